"""A book at once in the terminal: drafted, ranked and put into a note chapter by chapter."""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import small_world
from notewright import drafting
from notewright.cli import main
from notewright.errors import Invalid
from notewright.library import Library
from notewright.records import Draft, Highlight, Source
from small_world import ScriptedEngine, numbered

CHAPTERS = ("", "Clay", "Fire", "Glaze")
Typed = Callable[..., str]


@pytest.fixture
def kilns(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A source of four chapters, and a writer without a model; returns the source's id."""
    with Library.create(home) as library:
        small_world.build(library, tmp_path, things=small_world.THINGS[:4])
        small_world.base_model(library)
        highlights = tuple(Highlight(f"What is said of {name or 'kilns'}.", location=at, chapter=name) for at, name in enumerate(CHAPTERS))
        library.sources.upsert([Source("Kilns", outside_ids=("readwise:k",), highlights=highlights)], origin="api", complete=True)
        source = library.sources.find("Kilns").id
    assert main(["init", "--vault", str(tmp_path / "vault")]) == 0
    module = importlib.import_module("notewright.drafting.draft")
    monkeypatch.setattr(module, "engine_for", lambda *_, **__: ScriptedEngine(numbered))
    return source


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def type_in(*lines: str) -> str:
        monkeypatch.setattr("sys.stdin", Terminal("".join(f"{line}\n" for line in lines)))
        capsys.readouterr()
        assert main(["rank", "--each"]) == 0
        return capsys.readouterr().out

    return type_in


def batches(home: Path, source: str) -> list[list[Draft]]:
    """Oldest first."""
    with Library.open(home) as library:
        views, _ = library.browse.batches(source_id=source)
        return [library.drafts.batch(view.id) for view in reversed(views)]


def test_every_chapter_without_a_note_or_candidates_is_drafted(
    kilns: str, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["draft", "--source", "Kilns", "--chapter", "Fire", "-n", "2"]) == 0
    capsys.readouterr()
    assert main(["draft", "--source", "Kilns", "--each", "-n", "2"]) == 0
    told = capsys.readouterr().out
    assert [line.partition("  ")[2] for line in told.splitlines()[:-1]] == [
        f"{name} (1 highlight): 2 candidates" for name in ("(no chapter)", "Clay", "Glaze")
    ]
    assert told.endswith("Next: notewright rank --each\n")
    assert [drafts[0].chapter for drafts in batches(home, kilns)] == ["Fire", "", "Clay", "Glaze"]
    assert main(["draft", "--source", "Kilns", "--each"]) == 1
    assert "has a note or candidates already" in capsys.readouterr().err


def test_who_asks_for_too_many_at_once_is_told_of_it(
    kilns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notewright.drafting.highlights.MAX_WHOLE", 3)
    assert main(["draft", "--source", "Kilns"]) == 1
    told = capsys.readouterr().err
    assert "4 highlights in 3 chapters, too many at once" in told
    assert "one after the other: --each. Name one with --chapter: " in told


def test_stopped_it_goes_on_with_the_chapters_that_are_left(
    kilns: str, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    real = drafting.draft

    def stopping(library: Library, **options):
        calls.append(options["chapter"])
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(library, **options)

    monkeypatch.setattr(drafting, "draft", stopping)
    assert main(["draft", "--source", "Kilns", "--each", "-n", "1"]) == 130
    assert [drafts[0].chapter for drafts in batches(home, kilns)] == ["", "Clay"]
    capsys.readouterr()
    assert main(["draft", "--source", "Kilns", "--each", "-n", "1", "--json"]) == 0
    assert [item["chapter"] for item in json.loads(capsys.readouterr().out)] == ["Fire", "Glaze"]
    assert [drafts[0].chapter for drafts in batches(home, kilns)] == list(CHAPTERS)


def test_a_chapter_that_cannot_be_drafted_keeps_no_other_from_it(
    kilns: str, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = drafting.draft

    def refusing(library: Library, **options):
        if options["chapter"] == "Clay":
            raise Invalid("No room.")
        return real(library, **options)

    monkeypatch.setattr(drafting, "draft", refusing)
    assert main(["draft", "--source", "Kilns", "--each", "-n", "1"]) == 0
    assert "Clay: left out. No room." in capsys.readouterr().err
    assert [drafts[0].chapter for drafts in batches(home, kilns)] == ["", "Fire", "Glaze"]


def test_candidates_are_ranked_one_batch_after_the_other_and_the_best_put_into_a_note(
    kilns: str, home: Path, tmp_path: Path, typed: Typed, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["draft", "--source", "Kilns", "--each", "-n", "2"]) == 0
    none, clay, fire, glaze = batches(home, kilns)
    shown = typed("2 1", "", "", "x", "", "q")
    assert "1 of 4: Kilns · (no chapter)" in shown
    assert "4 of 4: Kilns · Glaze" in shown
    assert f"notewright accept {none[1].id.removeprefix('draft-')} --into NOTE" in shown
    shown = typed("1", "", "q")
    assert "1 of 2: Kilns · Clay" in shown, "what was left comes again, what was ranked or rejected does not"
    assert main(["rank", glaze[0].batch_id, "--order", "2 1"]) == 0
    assert main(["rank", "--each"]) == 1
    assert "No candidates wait" in capsys.readouterr().err

    chosen = [none[1], clay[0], glaze[1]]
    assert main(["accept", *(item.id for item in chosen), "--into", "Kilns"]) == 0
    told = capsys.readouterr().out
    assert [f"{item.id} inserted into Kilns.md" in told for item in chosen] == [True] * 3
    note = (tmp_path / "vault" / "Kilns.md").read_text()
    places = [note.index(item.text.strip()) for item in chosen]
    assert places == sorted(places)
    assert main(["accept", fire[0].id, chosen[0].id, "--into", "Kilns"]) == 1, "one that is in a note already"
    assert f"{fire[0].id} inserted" in capsys.readouterr().out
    assert main(["undo", "4", "--yes"]) == 0
    assert not (tmp_path / "vault" / "Kilns.md").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["draft", "--source", "Kilns", "--each", "--chapter", "Fire"], ["draft", "--source", "Kilns", "--each", "--highlights", "1"],
        ["rank", "--each", "--order", "1"], ["rank", "batch-1", "--each"], ["rank", "--each", "--json"],
    ],
)  # fmt: skip
def test_all_and_some_is_refused(kilns: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 1
    assert "--each" in capsys.readouterr().err
