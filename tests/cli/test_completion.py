"""The scripts that complete in a shell, asked as a shell asks them. Where there is no fish its script is only read."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from notewright.cli import COMMANDS, main

ASKS = """\
source {script}
COMP_WORDS=(notewright {words}) COMP_CWORD={last} COMP_LINE=
$(complete -p notewright | sed 's/.*-F \\([^ ]*\\).*/\\1/') notewright "${{COMP_WORDS[{last}]}}"
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
# what is typed, the last word begun or empty, and what has to be offered for it
TYPED = [
    (["mod"], ["models"]),
    (["models", "roll"], ["rollback"]),
    (["train", "sft", "--effort", ""], ["quick", "normal", "thorough"]),
    (["import", "readwise", "{place}/exp"], ["{place}/export.csv"]),
    (["--home", "{place}/ho"], ["{place}/home"]),
    (["completion", "fi"], ["fish"]),
]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    (tmp_path / "hours.txt").touch()
    (tmp_path / "export.csv").touch()
    return tmp_path


def script(shell: str, place: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["completion", shell]) == 0
    path = place / f"completion.{shell}"
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    return path


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh", "fish"])
def test_every_shell_learns_all_commands(shell: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = script(shell, place, capsys).read_text(encoding="utf-8")
    assert [name for name in COMMANDS if name not in text] == []


@pytest.mark.parametrize(("words", "offered"), TYPED)
def test_bash_completes(words: list[str], offered: list[str], place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = " ".join(f"'{word.format(place=place)}'" for word in words)
    asks = ASKS.format(script=script("bash", place, capsys), words=typed, last=len(words))
    told = subprocess.run(["bash", "-c", asks], capture_output=True, text=True, check=True)
    assert told.stdout.split() == [item.format(place=place) for item in offered], told.stderr


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish here")
@pytest.mark.parametrize(("words", "offered"), TYPED)
def test_fish_completes(words: list[str], offered: list[str], place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = " ".join(["notewright", *(word.format(place=place) for word in words)])
    asks = f"source {script('fish', place, capsys)}; complete -C '{line}'"
    told = subprocess.run(["fish", "--no-config", "-c", asks], capture_output=True, text=True, check=True)
    found = {item.partition("\t")[0].rstrip("/") for item in told.stdout.splitlines()}
    assert found == {item.format(place=place) for item in offered}, told.stderr


def test_what_fish_is_told(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = script("fish", place, capsys).read_text(encoding="utf-8").splitlines()

    def told(where: str, *parts: str) -> bool:
        return any(f"'_shtab_notewright_using {where}" in line and all(part in line for part in parts) for line in lines)

    assert told("models; ", "-a rollback", "-d 'Go back to the version that was current before.'")
    assert told("train", "-l effort", '-xka "quick normal thorough"')
    assert told("import readwise", "__fish_complete_path")
    assert told("init", "-l vault", "__fish_complete_directories")
