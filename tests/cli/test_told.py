"""What commands tell about what was done and what there is, and the ids that they understand."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

import small_world
from notewright import feedback
from notewright.cli import demo, main
from notewright.errors import RunFailed
from notewright.importers import readwise_api
from notewright.library import Library
from notewright.records import Draft, Finding


def test_status_of_an_empty_home_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["next"] == "notewright init --vault PATH"


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


def test_a_source_numbers_what_can_be_drafted_from(library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from notewright.drafting import named_highlights

    small_world.build(library, tmp_path, things=("rivers",))
    assert main(["sources", "rivers"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if " fact about rivers " in line]
    numbered = {line.split()[0]: line.split()[-1] for line in lines if "✗" not in line}
    assert list(numbered) == ["1", "2", "3", "4", "5", "6"]
    assert list(numbered.values()) == named_highlights(library, source="rivers", names=list(numbered.values()))
    assert [line.split()[0] for line in lines if "✗" in line] == ["✗", "✗"]


BOTH = {"without_examples": 0.25, "with_examples": 0.2}


@pytest.mark.parametrize(
    ("metrics", "said", "distances"),
    [
        ({"edit_distance": 0.25, "evaluation": {"mean": 0.25, "examples": False}}, "0.250", {"without_examples": 0.25}),
        ({"edit_distance": 0.2, "evaluation": {"mean": 0.2, "examples": True}}, "0.200 with examples", {"with_examples": 0.2}),
        ({"edit_distance": 0.25, "edit_distance_with_examples": 0.2}, "0.250; 0.200 with examples", BOTH),
        # as `improve` leaves those of a version that will write with examples, and `evaluate --split valid` after it
        ({"edit_distance": 0.2, **{f"edit_distance_{way}": value for way, value in BOTH.items()}}, "0.250; 0.200 with examples", BOTH),
        ({"evaluation": {"mean": 0.3, "examples": False, "part": True}}, "not measured", {}),
    ],
)  # fmt: skip
def test_held_out_figures_are_told_without_and_with_examples(
    metrics: dict[str, object], said: str, distances: dict[str, float], library: Library, capsys: pytest.CaptureFixture[str]
) -> None:
    model = small_world.base_model(library)
    library.models.set_metrics(model.id, metrics)
    assert main(["models", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split("\t")[-1] == said
    assert main(["models", "list", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["models"]
    assert (told["distances"], told["metrics"]) == (distances, metrics)


def test_the_metrics_of_a_version_are_told_in_words(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    figures = {"mean": 0.25, "interval": [0.2, 0.3], "examples": False, "copied": None}
    library.models.set_metrics(
        small_world.base_model(library).id, {"evaluation": figures, "examples": None, "checks": [[0, 0.5], [9, 0.4]]}
    )
    assert main(["models", "show"]) == 0
    assert capsys.readouterr().out.splitlines()[-4:-1] == [
        "  evaluation  mean 0.25, interval 0.2 to 0.3, examples no", "  checks      0 0.5, 9 0.4", "",
    ]  # fmt: skip


def test_a_rollback_to_another_way_of_asking_the_same_version_says_which(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    model = small_world.base_model(library)
    library.models.promote(model.id, "better on held-out work: base", examples=False)
    assert main(["models", "rollback"]) == 0
    assert capsys.readouterr().out == f"Current model: {model.id}, with examples in its prompts\n"


def test_what_the_star_beside_a_base_means_is_said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models import bases, catalogue

    monkeypatch.setattr(catalogue, "speed", lambda: 400e9)
    star = "* recommended for this machine: the largest that can be trained in the memory"
    for free, said in ((int(16e9), star), (1, "None of them")):
        monkeypatch.setattr(bases, "free_memory", lambda free=free: free)
        assert main(["bases"]) == 0
        told = capsys.readouterr().out
        assert said in told
        assert any(line.startswith("* ") and "\t" in line for line in told.splitlines()) is (free > 1)
        assert ("within 2 min" in told) is (free > 1)  # slower ones that fit stand in the table without a star
        assert ("had chat training" in told) is (free > 1)
        assert "gpt-j-6b: no chat training, so it needs more pairs than most people have and is never recommended" in told


def test_the_demo_says_which_candidate_was_chosen_and_why(tmp_path: Path, library: Library) -> None:
    pair = small_world.build(library, tmp_path, things=("rivers",)).library.pairs.all()[0]
    drafts = [Draft("", "batch-1", "s", "", "m", text, place, 0, "now") for place, text in ((1, pair.passage_text), (0, "words"))]
    assert demo._why(drafts, pair).splitlines() == [
        "   chosen: candidate 2, nearest to what the person wrote (edit distance 0.000)",
        "   then: 1 (1.000); recorded as batch-1's ranking",
    ]


@pytest.mark.parametrize(
    ("called", "found", "told"),
    [
        ("/x y/bin/notewright", "/bin/notewright", "notewright"),
        ("/x y/bin/notewright", None, "'/x y/bin/notewright'"),
        ("/x/notewright/__main__.py", None, "/x/python -m notewright"),
    ],
)
def test_the_demo_names_itself_as_it_can_be_called(called: str, found: str | None, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [called])
    monkeypatch.setattr("sys.executable", "/x/python")
    monkeypatch.setattr("shutil.which", lambda _: found)
    assert demo._program() == told


def test_a_demo_that_was_stopped_names_no_command_for_another_library(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt, match="begin the demo anew") as stopped, demo._not_to_go_on(tmp_path):
        raise KeyboardInterrupt("run-1 stopped. Go on with: notewright train sft --resume run-1")
    assert "--resume" not in str(stopped.value)
    with pytest.raises(RunFailed) as failed, demo._not_to_go_on(tmp_path):
        raise RunFailed("It was killed.", "Go on with: notewright train sft --resume run-1")
    assert failed.value.message == "It was killed."
    assert "--resume" not in failed.value.hint


@pytest.mark.parametrize("group", ["pairs", "drafts", "dataset", "models", "feedback"])
def test_a_group_lists_as_json_too(started: Path, group: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([group, "--json"], [group, "--json", "list"], [group, "list", "--json"]):
        assert main(words) == 0
        json.loads(capsys.readouterr().out)
    assert main([group]) == 0


def test_a_vanished_vault_is_what_status_speaks_of(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    started.rename(started.with_name("elsewhere"))
    assert main(["status"]) == 0
    printed = capsys.readouterr().out
    assert "(missing)" in printed
    assert "Next: notewright init --vault PATH" in printed


def test_pairing_nothing_says_what_is_missing(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pair"]) == 0
    assert "notewright import readwise" in capsys.readouterr().out
    assert main(["pairs", "list", "--status", "rejected"]) == 0
    assert "No rejected pairs" in capsys.readouterr().out
    assert main(["pairs", "export"]) == 0
    assert capsys.readouterr().out == ""


def test_a_highlight_of_two_pairs_is_counted_once(tmp_path: Path, library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    vault, csv, said = tmp_path / "vault", tmp_path / "a.csv", "The river slows in every bend that it has made for itself."
    vault.mkdir()
    csv.write_text(f"Highlight,Book Title\n{said},Rivers\n")
    for name in ("Rivers", "More"):
        (vault / f"{name}.md").write_text(f"# Rivers\n{said}\n")
    assert (
        main(["init", "--vault", str(vault)]) == main(["import", "readwise", str(csv)]) == main(["import", "vault"]) == main(["pair"]) == 0
    )
    assert "2 pairs new, 0 kept, 0 gone, 0 decided by you; 1 highlight in them." in capsys.readouterr().out


def test_where_all_pairs_are_decided_pairing_is_not_advised(tmp_path: Path, library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pairs", "review"]) == 0
    assert capsys.readouterr().out == "Nothing is undecided. Make proposals with: notewright pair\n"
    small_world.build(library, tmp_path, things=("rivers",))
    assert main(["pairs", "reject", *(pair.id for pair in library.pairs.all())]) == 0
    capsys.readouterr()
    assert main(["pairs", "review"]) == 0
    assert capsys.readouterr().out == "Nothing is undecided: you have decided about all pairs. See them with: notewright pairs list\n"
    assert main(["dataset", "sft"]) == 1
    told = capsys.readouterr().err
    assert "error: All pairs are rejected, so there is nothing to learn from." in told
    assert "notewright pairs list --status rejected" in told


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


def test_rules_are_more_only_where_there_are_some(started: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rank", "1", "--order", "2 1", "--comment", "please always use bullets"]) == 0
    assert main(["rules"]) == 0
    assert "suggest 1: notewright rules propose" in capsys.readouterr().out
    assert main(["rules", "add", "no tables"]) == main(["rules"]) == 0
    assert "suggest 1 more: notewright rules propose" in capsys.readouterr().out


def test_a_stored_token_that_another_one_outranks_is_said(
    started: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(readwise_api, "_keyring_set", lambda _: False)
    monkeypatch.setattr(readwise_api, "_keyring_get", lambda: "")
    for variable in readwise_api.TOKEN_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    for more in ("", "The one in the environment (READWISE_TOKEN) is used before it, as long as it is there.\n"):
        monkeypatch.setattr("sys.stdin", io.StringIO("abc123\n"))
        assert main(["token", "set"]) == 0
        first, _, rest = capsys.readouterr().out.partition("\n")
        assert first.endswith("readwise-token.")
        assert rest == more
        monkeypatch.setenv("READWISE_TOKEN", "other")


def test_the_median_time_is_of_what_stands(started: Path, library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    batch = library.drafts.batch("batch-1")
    for seconds in (2.0, 4.0, 90.0):
        feedback.comment(library, draft_id=batch[0].id, text=f"After {seconds}.", seconds=seconds)
    feedback.undo(library)
    assert main(["feedback", "stats"]) == 0
    assert "median time: 3 s" in capsys.readouterr().out
