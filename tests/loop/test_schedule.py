"""The lines for a nightly improve: they name this home and these options, whatever letters are in them."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from notewright import loop
from notewright.cli import main
from notewright.library import Library


def test_the_schedule_names_this_home(tmp_path: Path) -> None:
    lines = loop.schedule(tmp_path / "my home", at="04:05")
    assert "OnCalendar=*-*-* 04:05:00" in lines
    assert f"--home '{tmp_path / 'my home'}' improve" in lines
    assert "\n5 4 * * * nice" in lines


def test_the_schedule_of_a_home_with_strange_letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/opt/$env/100%/python")
    lines = loop.schedule(Path("/data/it's ${HOME} \\n 5%"), options=["--set", "seed=$SEED"])
    (unit,) = (line for line in lines.splitlines() if line.startswith("ExecStart="))
    assert unit == (
        """ExecStart='/opt/$env/100%%/python' -P -m notewright.cli --home '/data/it'"'"'s $${HOME} \\\\n 5%%' improve --set 'seed=$$SEED'"""
    )
    cron = lines.splitlines()[-1].removeprefix("30 3 * * * nice -n 19 ")
    assert shlex.split(cron.replace(r"\%", "%")) == [
        "/opt/$env/100%/python", "-P", "-m", "notewright.cli", "--home", "/data/it's ${HOME} \\n 5%", "improve", "--set", "seed=$SEED",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "command"),
    [
        ([], "improve\n"),
        (["--effort", "normal", "--confidence", "0.9"], "improve --effort normal\n"),
        (
            ["--reinforce", "grpo", "--set", "source_weights=A = 2", "--set", "seed=5", "--confidence", "0.95", "--fresh"],
            "improve --confidence 0.95 --reinforce grpo --set 'source_weights=A = 2' --set seed=5 --fresh\n",
        ),
    ],
)
def test_the_schedule_runs_it_with_the_options_it_was_asked_with(
    options: list[str], command: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["improve", "--schedule", *options]) == 0
    told = capsys.readouterr().out
    assert told.count(command) == 2
    assert main(["improve", "--schedule", "--json", *options]) == 0
    assert json.loads(capsys.readouterr().out)["lines"] == told.rstrip("\n").split("\n")


@pytest.mark.parametrize("at", ["03:00", ""])
def test_a_time_without_a_schedule_begins_nothing(at: str, library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["improve", "--at", at]) == 1
    assert "hint: Add --schedule" in capsys.readouterr().err
    assert not list((library.home / "runs").iterdir())
