"""The command line itself: help, errors, exit codes, completion, closed pipes."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from notewright.cli import COMMANDS, build_parser, main, show
from notewright.library import Library


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"notewright {command}" in capsys.readouterr().out


def test_no_command_prints_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "notewright demo" in capsys.readouterr().out


def test_an_unknown_command_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["drafft"])
    assert caught.value.code == 2
    assert "draft" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["readwise", "kindle"])
@pytest.mark.parametrize("path", ["", " "])
def test_an_empty_path_is_not_the_folder_one_stands_in(kind: str, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["import", kind, path])
    assert "the path is empty" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["vault", "check"], ["pairs", "export"], ["report", "--out"], ["train", "sft", "--recipe"]])
def test_an_empty_path_is_said_everywhere(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([*command, ""])
    assert "the path is empty" in capsys.readouterr().err


def test_an_empty_run_starts_no_training_anew(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "sft", "--resume", ""]) == 1
    assert "No run has the id ''" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["evaluate"], ["pairs", "review"], ["models", "diff", "a", "b"]])
@pytest.mark.parametrize("limit", ["0", "-1", "x"])
def test_a_limit_counts_from_one(command: list[str], limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([*command, "--limit", limit])
    assert f"{limit} is not a number from 1 on" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["sources"], ["pairs"], ["draft", "--source", "x"], ["models"], ["drafts"], ["undo"]])
def test_without_a_library_the_next_step_is_said(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 1
    assert "hint: Make one with: notewright init" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOENT, "path"),
        (errno.EISDIR, "file in it"),
        (errno.EROFS, "permissions"),
        (errno.EACCES, "permissions"),
        (errno.ENOSPC, "room"),
    ],
)
def test_trouble_with_a_file_says_what_to_do_about_it(
    number: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "/some/file")

    monkeypatch.setattr("notewright.cli.status.status", fail)
    assert main(["status"]) == 1
    printed = capsys.readouterr().err
    assert f"error: {os.strerror(number)}: /some/file" in printed
    assert words in printed.splitlines()[1]


@pytest.mark.parametrize("number", ["0", "-1", "few"])
def test_a_number_of_passages_is_one_from_1_on(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--limit", number])
    assert f"{number} is not a number from 1 on" in capsys.readouterr().err


def test_bad_settings_are_reported_together(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.mkdir()
    (home / "config.toml").write_text('vualt = "x"\ndevice = "abacus"\n')
    assert main(["status"]) == 1
    printed = capsys.readouterr().err
    assert "vualt" in printed
    assert "abacus" in printed


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_scripts_know_all_commands(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(command in script for command in COMMANDS)
    assert shell == "tcsh" or "--chapter" in script  # shtab's tcsh scripts know no options of sub-commands


def test_the_whole_parser_is_consistent() -> None:
    assert build_parser(everything=True).format_help()


def test_interrupting_says_how_to_go_on(home: Path) -> None:
    Library.create(home).close()
    script = (
        "import notewright.cli.sources as module\ndef stop(options): raise KeyboardInterrupt\nmodule.sources = stop\n"
        "from notewright.cli import main\nraise SystemExit(main(['sources']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert "run the same command" in done.stderr


def test_a_closed_pipe_is_no_error(home: Path) -> None:
    Library.create(home).close()
    done = subprocess.run(
        f"{sys.executable} -m notewright.cli completion bash | head -1", shell=True, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_the_documented_help_is_fresh() -> None:
    from notewright.cli.reference import reference

    stored = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    assert stored == reference(), "run: python -m notewright.cli.reference > docs/cli.md"


def test_arguments_that_are_no_text_are_said(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "add", "no t\udcffbles"]) == 1
    assert "'no t\\udcffbles' holds bytes that are not UTF-8 text." in capsys.readouterr().err
    assert main(["rules", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_an_error_is_said_once(started: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.csv").write_text("Highlight,Book Title\na\n")
    assert main(["import", "readwise", str(tmp_path / "bad.csv")]) == 1
    assert capsys.readouterr().err.count("line 2") == 1
    (tmp_path / "none.csv").write_text("Highlight,Book Title\n")
    assert main(["import", "readwise", str(tmp_path / "none.csv")]) == 0
    assert "no highlights in it" in capsys.readouterr().out


def test_trouble_with_the_disk_is_no_traceback(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.mkdir()
    (home / "config.toml").mkdir()
    assert main(["status"]) == 1
    assert "hint:" in capsys.readouterr().err


def test_a_closed_output_is_no_reason_to_fail(started: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["sources"]) == 0


def test_closed_errors_are_no_reason_to_fail(started: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["import", "vault", "--json"]) == 0
    json.loads(capsys.readouterr().out)
    assert main(["drafts", "show", "9"]) == 1
    assert capsys.readouterr().out == ""


def test_a_closed_input_is_nobody_to_ask(started: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["rank"]) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_the_package_can_be_run_by_its_name() -> None:
    done = subprocess.run([sys.executable, "-m", "notewright", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("notewright ")


def test_without_a_terminal_progress_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with show.progress("pairing") as advance:
        advance(1, 5000)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(show, "TELL_EVERY", 0.0)
    with show.progress("pairing", unit="notes") as advance:
        advance(1200, 5000)
    with show.progress("reading") as advance:
        advance(3, text="books")
    assert capsys.readouterr().err == "pairing: 1,200 of 5,000 notes\nreading books: 3\n"


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        (["rank"], 1, "There is no terminal to ask at"), (["token", "set"], 1, "No token was given"),
        (["feedback", "import", "-"], 0, "Imported 0 events"), (["rules", "propose"], 0, "suggest nothing new"),
    ],
)  # fmt: skip
def test_a_closed_input_is_no_traceback(
    started: Path, command: list[str], code: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(command) == code
    assert told in "".join(capsys.readouterr())
    sys.stdin.close()
