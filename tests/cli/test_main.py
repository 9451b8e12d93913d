"""The command line itself: help, errors, exit codes, completion, what status advises."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import small_world
from notewright.cli import COMMANDS, build_parser, demo, main, show
from notewright.cli.rank import parse_order, parse_ticks, split_ticks
from notewright.errors import Invalid
from notewright.library import Library
from notewright.records import Draft, Finding
from notewright.settings import load_settings


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


def test_init_keeps_what_was_set_before(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "vault").mkdir()
    assert main(["init", "--vault", str(tmp_path / "vault"), "--exclude", "Templates"]) == 0
    assert main(["init", "--readwise-folder", "Reading"]) == 0
    text = (home / "config.toml").read_text()
    assert all(word in text for word in ("vault", "Templates", "Reading"))
    assert main(["init", "--vault", str(tmp_path / "nowhere")]) == 1


def test_a_home_inside_the_vault_is_said_to_be_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vault = tmp_path / "vault"
    vault.mkdir()
    for home, said in ((vault / ".notewright", True), (vault / "tools" / "home", True), (tmp_path / "vault home", False)):
        assert main(["--home", str(home), "init", "--vault", str(vault)]) == 0
        assert ("warning: the library lies in the vault" in capsys.readouterr().out) is said


def test_home_option_outranks_the_environment(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTEWRIGHT_HOME", str(tmp_path / "other"))
    assert main(["--home", str(tmp_path / "mine"), "init"]) == 0
    assert (tmp_path / "mine" / "library.db").exists()
    assert not (tmp_path / "other").exists()


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


def test_status_of_an_empty_home_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["next"] == "notewright init --vault PATH"


def drafts(number: int) -> list[Draft]:
    return [Draft(f"draft-{place + 1}", "batch-1", "s", "", "m", "text", place, 0, "now") for place in range(number)]


@pytest.mark.parametrize(
    ("order", "groups"),
    [
        ("2 1 3", [["draft-2"], ["draft-1"], ["draft-3"]]),
        ("2=3 1", [["draft-2", "draft-3"], ["draft-1"]]),
        ("3", [["draft-3"]]),
        ("1>2>3", [["draft-1"], ["draft-2"], ["draft-3"]]),
        ("1, 2", [["draft-1"], ["draft-2"]]),
    ],
)
def test_orders_are_read_as_meant(order: str, groups: list[list[str]]) -> None:
    assert parse_order(order, drafts(3)) == (groups, False)
    assert parse_order("x", drafts(3)) == ([], True)


@pytest.mark.parametrize("order", ["", "4", "1 1", "1=1", "one", "0", "2 x", "1=", "="])
def test_orders_that_cannot_be_meant_are_refused(order: str) -> None:
    with pytest.raises(Invalid):
        parse_order(order, drafts(3))


def test_ticks_are_told_by_number_and_letter_or_name() -> None:
    assert split_ticks("2 1=3 2:sv 1:content") == ("2 1=3", "2:sv 1:content")
    assert parse_ticks("2:sv 1:content,voice", drafts(3)) == {"draft-2": ["structure", "voice"], "draft-1": ["content", "voice"]}
    assert parse_ticks("", drafts(3)) == {}


@pytest.mark.parametrize("ticks", ["4:s", "1:", "1:x", "s", "1:structur"])
def test_ticks_that_cannot_be_meant_are_refused(ticks: str) -> None:
    with pytest.raises(Invalid):
        parse_ticks(ticks, drafts(3))


def test_the_documented_help_is_fresh() -> None:
    from notewright.cli.reference import reference

    stored = (Path(__file__).resolve().parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    assert stored == reference(), "run: python -m notewright.cli.reference > docs/cli.md"


@pytest.fixture
def started(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A library with a vault of one note and a batch of two drafts; returns the vault."""
    vault = tmp_path / "vault"
    vault.mkdir()
    (vault / "Note.md").write_text("# Note\n\nText.\n")
    assert main(["init", "--vault", str(vault)]) == 0
    with Library.open(home) as library:
        batch = library.drafts.new_batch()
        library.drafts.add(Draft("", batch, "s", "", "m", f"- text {place}", place, 0, "now") for place in range(2))
    capsys.readouterr()
    return vault


def test_a_whole_path_into_the_vault_is_understood_and_undo_says_what_it_did(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["accept", "draft-1", "--into", str(started / "Note.md")]) == 0
    assert "Inserted into Note.md (backup kept" in capsys.readouterr().out
    assert main(["accept", "draft-2", "--into", str(started.parent / "Outside.md")]) == 1
    assert main(["accept", "draft-2", "--into", "New"]) == 0
    assert "a new note" in capsys.readouterr().out
    assert main(["rank", "--order", "2 1"]) == 0
    for words in ("the ranking of batch-1", "draft-2 into New.md (it was new", "draft-1 into Note.md (byte for byte"):
        assert main(["undo"]) == 0
        assert words in capsys.readouterr().out
    assert (started / "Note.md").read_text() == "# Note\n\nText.\n"


class Asked(io.StringIO):
    """A terminal with these answers."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def three_done(started: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Three things to take back; returns the vault."""
    assert main(["rank", "--order", "2 1"]) == 0
    assert main(["accept", "draft-1", "--into", "Note"]) == main(["rules", "add", "no tables"]) == 0
    capsys.readouterr()
    return started


def test_several_are_listed_and_asked_about_before_they_are_taken_back(
    three_done: Path, library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = library.events.last()
    monkeypatch.setattr("sys.stdin", Asked("n\n"))
    assert main(["undo", "2"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line[20:] for line in shown[1:3]] == ["that the rule no-tables was added", "the insertion of draft-1 into Note.md"]
    assert shown[0].startswith("2 things would be taken back")
    assert shown[-1] == "Take back all of it? [y/n] Nothing was taken back."
    assert library.events.last() == before
    monkeypatch.setattr("sys.stdin", Asked("y\n"))
    assert main(["undo", "9"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line[20:] for line in shown[1:4]][-1] == "the ranking of batch-1"
    assert shown[-3:] == [
        "Taken back: the insertion of draft-1 into Note.md (byte for byte as it was before).",
        "Taken back: the ranking of batch-1.",
        "There is nothing else to undo.",
    ]
    assert (three_done / "Note.md").read_text() == "# Note\n\nText.\n"


@pytest.mark.parametrize("more", [[], ["--json"]])
@pytest.mark.parametrize("closed", [True, False])
def test_where_nobody_can_be_asked_several_are_taken_back_by_yes_only(
    three_done: Path, library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], closed: bool, more: list[str]
) -> None:
    before, note = library.events.last(), (three_done / "Note.md").read_bytes()
    monkeypatch.setattr(sys, "stdin", None if closed else io.StringIO("y\n"))
    assert main(["undo", "3", *more]) == 1
    said = capsys.readouterr()
    assert "add --yes" in said.err
    assert ("draft-1 into Note.md" in said.out) is not bool(more)
    assert (library.events.last(), (three_done / "Note.md").read_bytes()) == (before, note)
    assert main(["undo", "3", "--yes", *more]) == 0
    assert len(library.events.all("undo")) == 3
    assert main(["undo"]) == 1
    assert "There is nothing to undo" in capsys.readouterr().err
    sys.stdin.close()


def test_pairs_are_told_under_headers_with_their_source_and_a_decision_is_taken_back(
    tmp_path: Path, library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    small_world.build(library, tmp_path, things=("rivers",))
    assert main(["pairs", "list"]) == 0
    header, first, *_ = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert dict(zip(header, first, strict=True))["source"] == "A Book of Rivers"
    assert main(["pairs", "accept", "1", "pair-2"]) == 0
    assert "To take that back: notewright undo 2" in capsys.readouterr().out
    assert main(["feedback", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split("\t")[2:] == ["pair", "pair-2", "accepted"]
    assert main(["undo", "2", "--yes"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Taken back: that pair-2 is accepted, in Notes/Rivers.md.",
        "Taken back: that pair-1 is accepted, in Notes/Rivers.md.",
    ]
    assert [pair.status for pair in library.pairs.all()] == ["proposed", "proposed"]


def test_what_was_done_is_told_in_words(started: Path, library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (
        ["rank", "1", "--order", "2 1 2:sv", "--comment", "please always use bullets"],
        ["rules", "confirm", "always-use-bullets"],
        ["taste", "correct", "bullets", "--prefer", "about", "4"],
        ["undo"],
    ):
        assert main(command) == 0
    said = capsys.readouterr().out
    assert "Your remark suggests a rule, 'please always use bullets' (every draft is checked: at least 1 bullet)" in said
    assert "notewright rules confirm always-use-bullets" in said
    library.events.append("unheard of", "x", {"a": 1})
    assert main(["feedback", "list"]) == 0
    rows = [line.split("\t")[2:] for line in capsys.readouterr().out.splitlines()]
    assert rows == [
        ["kind", "about", "details"],
        ["ranking", "batch-1", "draft-2 > draft-1; draft-2 good in structure, voice; please always use bullets"],
        ["rule", "always-use-bullets", 'confirmed: "please always use bullets"'],
        ["belief (undone)", "bullets", "you like about 4.0"],
        ["undo", "event 3", "of the belief"],
        ["unheard of", "x", ""],
    ]


def test_a_bare_number_is_the_number_of_an_id(started: Path, library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    small_world.base_model(library)
    for command in (["drafts", "show", "2"], ["accept", "2", "--into", "Note"], ["models", "show", "1"], ["models", "use", "1"]):
        assert main(command) == 0
    for command, named in ((["pairs", "show", "7"], "pair-7"), (["runs", "show", "7"], "run-7"), (["dataset", "show", "7"], "dataset-7")):
        assert main(command) == 1
        assert f"'{named}'" in capsys.readouterr().err


def test_what_the_gates_found_is_said_when_a_draft_is_accepted(started: Path, library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    found = (Finding("rule", "block", "it has a table"), *(Finding("support", "warn", f"doubt {number}") for number in range(6)))
    library.drafts.add([Draft("", "batch-1", "s", "", "m", "- text", 2, 0, "now", problems=("it has a table",), findings=found)])
    assert main(["accept", "3", "--into", "Note"]) == 1
    assert "draft-3 has problems: it has a table." in capsys.readouterr().err
    assert main(["accept", "3", "--into", "Note", "--force"]) == 0
    told = capsys.readouterr()
    doubts = [f"? doubt {number}" for number in range(4)]
    assert told.err.splitlines() == ["! it has a table", *doubts, "and 2 more: notewright drafts show draft-3"]
    assert "Inserted into Note.md" in told.out


def test_a_figure_with_examples_is_said_to_be_one(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    model = small_world.base_model(library)
    for examples in (True, False):
        figures = {"edit_distance": 0.25, "edit_distance_with_examples": 0.2, "evaluation": {"mean": 0.25, "examples": examples}}
        library.models.set_metrics(model.id, figures)
        assert main(["models", "list"]) == 0
        assert capsys.readouterr().out.splitlines()[1].endswith("\t0.250" + " with examples" * examples)
    assert main(["models", "show"]) == 0
    assert "edit_distance_with_examples  0.2" in capsys.readouterr().out


def test_a_vault_is_kept_without_the_way_there(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("vault", "elsewhere"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["init", "--vault", "../vault"]) == 0
    assert load_settings().vault == tmp_path / "vault"
    (tmp_path / "link").symlink_to("vault")
    assert main(["init", "--vault", str(tmp_path / "link")]) == 0
    assert load_settings().vault == tmp_path / "link"


def test_what_the_star_beside_a_base_means_is_said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models import bases

    for free, said in ((int(16e9), "* recommended for this machine: the largest that can be trained in the memory"), (1, "None of them")):
        monkeypatch.setattr(bases, "free_memory", lambda free=free: free)
        assert main(["bases"]) == 0
        told = capsys.readouterr().out
        assert said in told
        assert any(line.startswith("* ") and "\t" in line for line in told.splitlines()) is (free > 1)


def test_the_demo_says_which_candidate_was_chosen_and_why(tmp_path: Path, library: Library) -> None:
    pair = small_world.build(library, tmp_path, things=("rivers",)).library.pairs.all()[0]
    drafts = [Draft("", "batch-1", "s", "", "m", text, place, 0, "now") for place, text in ((1, pair.passage_text), (0, "words"))]
    assert demo._why(drafts, pair).splitlines() == [
        "   chosen: candidate 2, nearest to what the person wrote (edit distance 0.000)",
        "   then: 1 (1.000); recorded as batch-1's ranking",
    ]


WRITING = [
    ["pairs", "export"],
    ["vault", "show", "Note", "--html"],
    ["report", "--out"],
    ["taste", "plot", "--out"],
    ["dataset", "report", "--out"],
    ["demo", "--keep"],
]


@pytest.mark.parametrize("command", WRITING, ids=lambda command: command[0])
def test_nothing_of_the_persons_or_the_homes_is_written_over(
    started: Path, home: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    other = started.parent / "other"
    (other / ".obsidian").mkdir(parents=True)
    (other / "Sub").mkdir()
    link = started.parent / "link"
    link.symlink_to(started / "Note.md")
    places = {
        "vault": [started / "Note.md", started / "new.html", other / "Sub" / "x", link, started.parent / "other" / ".." / "vault" / "x"]
    }
    places["library's folder"] = [home / "library.db", home / "models" / "x"]
    if command[0] == "demo":  # it makes folders of its own in the one that is named
        places["vault"] = [started, other / "Sub"]
    before = {path: path.read_bytes() for path in (started / "Note.md", home / "library.db")}
    for where, targets in places.items():
        for target in targets:
            assert main([*command, str(target)]) == 1, target
            said = capsys.readouterr().err
            assert f"lies in the {where}" in said, said
            assert "hint: Name a place outside of" in said
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("command", WRITING[:-1], ids=lambda command: command[0])
def test_a_folder_that_is_not_there_is_not_made(started: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, str(started.parent / "no" / "x")]) == 1
    assert "There is no folder" in capsys.readouterr().err
    assert not (started.parent / "no").exists()


def test_a_page_in_its_usual_place_and_an_ordinary_file_are_written_over(started: Path, home: Path) -> None:
    for place in (home / "reports" / "report.html", started.parent / "report.html"):
        for _ in range(2):
            assert main(["report", "--out", str(place)]) == 0
            assert place.is_file()
            place.write_text("old")
    (started.parent / "pairs.jsonl").write_text("old")
    assert main(["pairs", "export", str(started.parent / "pairs.jsonl")]) == 0
    assert (started.parent / "pairs.jsonl").read_text() == ""


@pytest.mark.parametrize("group", ["pairs", "drafts", "dataset", "models", "feedback"])
def test_a_group_lists_as_json_too(started: Path, group: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([group, "--json"], [group, "--json", "list"], [group, "list", "--json"]):
        assert main(words) == 0
        json.loads(capsys.readouterr().out)
    assert main([group]) == 0


@pytest.mark.parametrize("vault", ["", "  ", "nowhere", "file"])
def test_a_vault_that_is_none_is_refused(home: Path, tmp_path: Path, vault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert main(["init", "--vault", vault]) == 1
    assert not home.exists()


def test_folders_that_are_not_there_are_told(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--readwise-folder", "Reedwise", "--exclude", "*.tmp"]) == 0
    printed = capsys.readouterr().out
    assert "'Reedwise'" in printed
    assert "*.tmp" not in printed


def test_a_folder_of_a_base_model_is_remembered_whole(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "base").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["init", "--base", "./base"]) == 0
    assert str(tmp_path / "base") in (home / "config.toml").read_text()


def test_a_vault_without_notes_is_said(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["init", "--vault", str(tmp_path / "empty"), "--exclude", "Old"]) == 0
    assert main(["init", "--exclude", ""]) == 0  # none any more
    assert "exclude" not in (home / "config.toml").read_text()
    capsys.readouterr()
    assert main(["import", "vault"]) == 0
    assert f"There are no notes of yours in {tmp_path / 'empty'}" in capsys.readouterr().out


def test_arguments_that_are_no_text_are_said(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "add", "no t\udcffbles"]) == 1
    assert "'no t\\udcffbles' holds bytes that are not UTF-8 text." in capsys.readouterr().err
    assert main(["rules", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_vanished_vault_is_what_status_speaks_of(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    started.rename(started.with_name("elsewhere"))
    assert main(["status"]) == 0
    printed = capsys.readouterr().out
    assert "(missing)" in printed
    assert "Next: notewright init --vault PATH" in printed


def test_an_error_is_said_once(started: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.csv").write_text("Highlight,Book Title\na\n")
    assert main(["import", "readwise", str(tmp_path / "bad.csv")]) == 1
    assert capsys.readouterr().err.count("line 2") == 1
    (tmp_path / "none.csv").write_text("Highlight,Book Title\n")
    assert main(["import", "readwise", str(tmp_path / "none.csv")]) == 0
    assert "no highlights in it" in capsys.readouterr().out


def test_pairing_nothing_says_what_is_missing(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pair"]) == 0
    assert "notewright import readwise" in capsys.readouterr().out
    assert main(["pairs", "list", "--status", "rejected"]) == 0
    assert "No rejected pairs" in capsys.readouterr().out
    assert main(["pairs", "export"]) == 0
    assert capsys.readouterr().out == ""


def test_trouble_with_the_disk_is_no_traceback(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home.mkdir()
    (home / "config.toml").mkdir()
    assert main(["status"]) == 1
    assert "hint:" in capsys.readouterr().err


def test_undo_is_never_stuck_on_a_note_that_is_gone(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rank", "--order", "2 1"]) == 0
    assert main(["accept", "draft-2", "--into", "New"]) == 0
    (started / "New.md").unlink()
    assert main(["undo"]) == 1
    assert "undo --keep-note" in capsys.readouterr().err
    assert main(["undo", "--keep-note"]) == 0
    assert "left as it is" in capsys.readouterr().out
    assert main(["undo"]) == 0
    assert "the ranking of batch-1" in capsys.readouterr().out


def test_a_closed_output_is_no_reason_to_fail(started: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["sources"]) == 0


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
    with show.progress("pairing") as advance:
        advance(1200, 5000)
        advance(3, text="books")
    assert capsys.readouterr().err == "pairing: 1,200 of 5,000\npairing books: 3\n"


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


def test_a_pair_that_is_decided_so_already_is_said(tmp_path: Path, library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    small_world.build(library, tmp_path, things=("rivers",))
    assert main(["pairs", "reject", "1"]) == 0
    capsys.readouterr()
    assert main(["pairs", "reject", "1"]) == 0
    assert capsys.readouterr().out == "pair-1 is rejected already.\n"
    assert main(["pairs", "reject", "1", "2"]) == 0
    assert capsys.readouterr().out == "pair-1 is rejected already.\n1 pair rejected. To take that back: notewright undo\n"
    assert len(library.events.all("pair")) == 2


def test_a_chapter_beside_highlights_is_refused_in_words(tmp_path: Path, library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    small_world.build(library, tmp_path, things=("rivers",))
    chosen = small_world.highlight_id("rivers", 1, 0)
    assert main(["draft", "--source", "rivers", "--chapter", "Troubles", "--highlights", chosen]) == 1
    assert capsys.readouterr().err.splitlines()[-2:] == [
        "error: Both a chapter and highlights are named, and a draft is about one or the other.",
        "hint: Leave one of them out.",
    ]
    assert main(["models", "diff", "1", "2", "--chapter", "Troubles"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "hint: Name the source that has it, too."
    assert library.drafts.all() == []


def test_init_says_what_comes_next_in_this_library(
    started: Path, home: Path, library: Library, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init"]) == 0
    assert "Next: notewright import readwise PATH   then   notewright import vault" in capsys.readouterr().out
    assert main(["import", "vault"]) == main(["init"]) == 0
    assert capsys.readouterr().out.endswith("Next: notewright import readwise PATH\n")
    small_world.build(library, started.parent, things=("rivers",))
    assert main(["init"]) == main(["status"]) == 0
    first, second = (line for line in capsys.readouterr().out.splitlines() if line.startswith("Next: "))
    assert first == second
    monkeypatch.setenv("NOTEWRIGHT_HOME", str(started.parent / "other"))
    assert main(["init"]) == 0
    assert "Next: notewright init --vault PATH" in capsys.readouterr().out


def test_init_names_the_export_that_it_found(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exports = started / "My refs" / "Readwise"
    exports.mkdir(parents=True)
    (exports / "A.md").write_text("# A\n- Full Title: A\n- Category: #books\n\n## Highlights\n- One\n")
    plugin = started / ".obsidian" / "plugins" / "readwise-official"
    plugin.mkdir(parents=True)
    (plugin / "data.json").write_text('{"readwiseDir": "Inbox/Readwise"}')
    assert main(["init"]) == 0
    told = capsys.readouterr().out
    assert "Readwise folder  Inbox/Readwise (not there yet), My refs/Readwise\n" in told
    assert f"Next: notewright import readwise '{exports}'" in told


def test_a_rule_that_is_taken_back_is_told_by_what_was_done_to_it(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "add", "no tables"]) == main(["rules", "remove", "no-tables"]) == 0
    assert main(["undo", "2", "--yes"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "Taken back: that the rule no-tables was removed; it holds again.",
        "Taken back: that the rule no-tables was added.",
    ]


def test_rules_are_more_only_where_there_are_some(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rank", "1", "--order", "2 1", "--comment", "please always use bullets"]) == 0
    assert main(["rules"]) == 0
    assert "suggest 1: notewright rules propose" in capsys.readouterr().out
    assert main(["rules", "add", "no tables"]) == main(["rules"]) == 0
    assert "suggest 1 more: notewright rules propose" in capsys.readouterr().out
