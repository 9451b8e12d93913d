"""Commands that are named to the person go to the library that was spoken of."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

from notewright import cli, feedback
from notewright.cli import COMMANDS, hints, main
from notewright.library import Library

COMMAND = re.compile(rf"\bnotewright ({'|'.join(COMMANDS)})\b")


@pytest.fixture(autouse=True)
def forgotten(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test asked for is none of the next one's business; `home` puts the environment back, which --home sets."""
    monkeypatch.setattr(hints, "_asked", None)


def commands(text: str, home: Path | str) -> list[str]:
    """The commands that the text names for this home; every other one is a fault."""
    named = re.findall(rf"notewright --home {re.escape(shlex.quote(str(home)))} (\w+)", text)
    assert not COMMAND.search(text), text
    return named


@pytest.mark.parametrize("name", ["mine", "a home of mine's"])
def test_a_home_that_was_named_is_named_in_what_to_type_next(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / name
    vault = tmp_path / "vault"
    vault.mkdir()
    assert main(["--home", str(home), "status"]) == 0
    assert commands(capsys.readouterr().out, home) == ["init"]
    assert main(["--home", str(home), "sources"]) == 1
    told = capsys.readouterr().err
    assert commands(told, home) == ["init"]
    assert told.endswith(f"hint: Make one with: notewright --home {shlex.quote(str(home))} init --vault PATH\n")
    assert main(["--home", str(home), "init", "--vault", str(vault)]) == 0
    assert commands(capsys.readouterr().out, home) == ["import", "import"]
    for words, named in ((["sources"], ["import"]), (["drafts"], ["draft"]), (["pair"], ["import"]), (["bases", "get", "x"], [])):
        main(["--home", str(home), *words])
        told = "".join(capsys.readouterr()).replace("See: notewright bases list", "")  # which looks into no library
        assert commands(told, home) == named, words


def test_a_home_of_the_environment_is_named_nowhere(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NOTEWRIGHT_HOME", str(home))
    assert main(["--home", str(home), "sources"]) == 1
    assert "--home" in capsys.readouterr().err
    assert main(["sources"]) == 1
    assert "hint: Make one with: notewright init --vault PATH\n" in capsys.readouterr().err


def test_what_is_printed_for_programs_and_what_others_wrote_stays(
    started: Path, library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    feedback.comment(library, draft_id="draft-1", text="say notewright undo here")
    text = "Type notewright rank, he says."
    library.db.connection.execute("UPDATE drafts SET text=?", (text,))
    at = ["--home", str(library.home)]
    assert main([*at, "drafts", "show", "1"]) == 0
    assert text in capsys.readouterr().out
    assert main([*at, "feedback", "list"]) == 0
    assert "say notewright undo here" in capsys.readouterr().out
    assert main([*at, "status", "--json"]) == 0
    assert "--home" not in capsys.readouterr().out


def test_a_stopped_command_names_it_too(
    started: Path, library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(_: object) -> None:
        raise KeyboardInterrupt("run-1 stopped. Go on with: notewright train sft --resume run-1")

    monkeypatch.setattr("notewright.cli.sources.sources", stopped)
    assert main(["--home", str(library.home), "sources"]) == 130
    assert commands(capsys.readouterr().err, library.home) == ["train"]


def test_nothing_else_prints_commands() -> None:
    """A `print` that names one would send the person to another library."""
    faults = []
    for path in sorted(Path(cli.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                told = [item.value for item in ast.walk(node) if isinstance(item, ast.Constant) and isinstance(item.value, str)]
                faults += [f"{path.name}:{node.lineno}" for text in told if COMMAND.search(text)]
    assert faults == []
