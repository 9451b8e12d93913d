"""Edits and single judgements as rows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import small_world
from notewright import datasets, feedback
from notewright.errors import Invalid
from notewright.library import Library, splits
from notewright.library.database import now
from notewright.records import Draft

TEXT = "## Looms\n- The first fact about looms concerns observers.\n"


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    made = small_world.build(library, tmp_path)
    splits.assign(library, [source.id for source in library.sources.all()])
    return made


def drafts(library: Library, *texts: str, thing: str = "looms") -> list[str]:
    """A batch of stored drafts; their ids."""
    batch_id = library.drafts.new_batch()
    return [
        draft.id
        for draft in library.drafts.add(
            Draft(
                id="", batch_id=batch_id, source_id=f"readwise:b-{thing}", chapter="Beginnings", model_id="model-1", text=text,
                position=position, seed=position, created_at=now(), messages=({"role": "user", "content": f"about {thing}"},),
                highlight_ids=(small_world.highlight_id(thing, 0, 0),),
            )
            for position, text in enumerate(texts)
        )
    ]  # fmt: skip


def test_an_edit_is_a_row_with_its_typed_changes(world: small_world.World) -> None:
    (draft,) = drafts(world.library, TEXT)
    feedback.record_edit(world.library, draft_id=draft, final_text=TEXT.replace("## ", "### "))
    dataset = datasets.build(world.library, kind="edits")
    (row,) = datasets.load(dataset, "train")
    assert row["shown"][0]["content"] == TEXT
    assert row["edited"][0]["content"].startswith("### Looms")
    assert [(hunk["kind"], hunk["start"]) for hunk in row["hunks"]] == [("format", 0)] or row["hunks"][0]["kind"] == "format"
    assert 0 < row["cost"] < 1
    assert dataset.manifest["hunks"] == {"format": 1}


def test_an_edit_of_an_edit_starts_from_what_was_changed(world: small_world.World) -> None:
    (draft,) = drafts(world.library, TEXT)
    first = TEXT.replace("## ", "### ")
    feedback.record_edit(world.library, draft_id=draft, final_text=first)
    feedback.record_edit(world.library, draft_id=draft, final_text=first.replace("- ", "* "), before=first)
    rows = datasets.load(datasets.build(world.library, kind="edits"), "train")
    assert [row["shown"][0]["content"] for row in rows] == [TEXT, first]
    assert [row["cost"] for row in rows] == [0.0667, 0.0667]  # one mark of fifteen each, though the draft differs in two by then


@pytest.mark.parametrize(
    ("final", "reason"),
    [
        (TEXT, "nothing was changed"),
        ("", "edited to nothing"),
        (TEXT.replace("observers", "obsevers"), "only typos and added facts"),
        (TEXT + "- In 1871 Bradford had forty mills.\n", "only typos and added facts"),
    ],
)
def test_what_says_nothing_about_taste_is_left_out(world: small_world.World, final: str, reason: str) -> None:
    (draft,) = drafts(world.library, TEXT)
    feedback.record_edit(world.library, draft_id=draft, final_text=final)
    with pytest.raises(Invalid, match=f"1: {reason}"):
        datasets.build(world.library, kind="edits")


def test_what_came_back_after_it_was_deleted_is_left_out(world: small_world.World) -> None:
    (draft,) = drafts(world.library, TEXT)
    feedback.record_edit(world.library, draft_id=draft, final_text=TEXT.replace("## ", "### "), before="")
    with pytest.raises(Invalid, match="1: came back after it was deleted"):
        datasets.build(world.library, kind="edits")


def test_nothing_yet_says_what_to_do(world: small_world.World) -> None:
    with pytest.raises(Invalid, match="no edits to learn from yet") as caught:
        datasets.build(world.library, kind="edits")
    assert "notewright sync" in caught.value.hint
    with pytest.raises(Invalid, match="accepted or rejected by itself yet"):
        datasets.build(world.library, kind="labels")


def test_labels_are_single_judgements_and_the_last_word_counts(world: small_world.World) -> None:
    a, b, c, d = drafts(world.library, "A text", "B text", "C text", "D text")
    feedback.decide(world.library, decision="reject", draft_id=a)
    feedback.decide(world.library, decision="accept", draft_id=a)
    feedback.decide(world.library, decision="accept", draft_id=b)
    feedback.record_edit(world.library, draft_id=b, final_text="Quite another thing, in other words altogether.")
    feedback.rank(world.library, batch_id=world.library.drafts.get(c).batch_id, order=[[c]], rejected=[d])
    rows = datasets.load(datasets.build(world.library, kind="labels"), "train")
    assert {row["completion"][0]["content"][0]: row["label"] for row in rows} == {"A": True, "B": False, "D": False}
    (e, f) = drafts(world.library, "E text", "F text")
    feedback.decide(world.library, decision="reject_all", batch_id=world.library.drafts.get(e).batch_id)
    rows = datasets.load(datasets.build(world.library, kind="labels"), "train")
    assert [row["label"] for row in rows if row["completion"][0]["content"][0] in "EF"] == [False, False]
    assert f


def labels(library: Library) -> dict[str, bool]:
    rows = datasets.load(datasets.build(library, kind="labels"), "train")
    return {row["completion"][0]["content"][0]: row["label"] for row in rows}


def test_a_ranking_that_was_done_again_rejects_no_more(world: small_world.World) -> None:
    a, b, c = drafts(world.library, "A text", "B text", "C text")
    batch = world.library.drafts.get(a).batch_id
    feedback.rank(world.library, batch_id=batch, order=[[a]], rejected=[b, c])
    feedback.rank(world.library, batch_id=batch, order=[[b], [a]], rejected=[c])
    assert labels(world.library) == {"C": False}


@pytest.mark.parametrize(("final", "good"), [(None, True), ("A text that is longer", True), ("Quite another thing altogether.", False)])
def test_a_draft_that_went_into_the_note_rewritten_was_no_good_one(world: small_world.World, final: str | None, good: bool) -> None:
    (draft,) = drafts(world.library, "A text that is long")
    feedback.record_edit(world.library, draft_id=draft, final_text="Thought better of it.")  # never inserted
    feedback.accept(world.library, settings=world.settings, draft_id=draft, into="Notes/New.md", final_text=final)
    assert labels(world.library) == {"A": good}


def test_of_several_edits_the_last_one_labels_the_draft(world: small_world.World) -> None:
    (draft,) = drafts(world.library, "A text that is long")
    feedback.decide(world.library, draft_id=draft, decision="accept")
    feedback.record_edit(world.library, draft_id=draft, final_text="Quite another thing altogether.")
    assert labels(world.library) == {"A": False}
    feedback.record_edit(world.library, draft_id=draft, final_text="A text that is longer", before="Quite another thing altogether.")
    assert labels(world.library) == {"A": True}


def test_a_change_that_another_machine_saw_in_smaller_steps_is_taught_once(world: small_world.World) -> None:
    (draft,) = drafts(world.library, TEXT)
    first, second, third = TEXT.replace("## ", "### "), TEXT.replace("## ", "# "), TEXT.replace("- ", "* ")

    def rows(*steps: tuple[str, str]) -> list[tuple[str, str]]:
        for event in world.library.events.standing("edit"):
            world.library.events.append("undo", str(event.id), {"events": [event.id], "kind": "edit"})
        for before, after in steps:
            feedback.record_edit(world.library, draft_id=draft, before=before, final_text=after, via="watch", insertion=7)
        built = datasets.load(datasets.build(world.library, kind="edits"), "train")
        return [(row["shown"][0]["content"], row["edited"][0]["content"]) for row in built]

    steps = [(TEXT, first), (first, second)]
    assert rows(*steps, (TEXT, second)) == steps
    assert rows((TEXT, second), *steps) == steps
    assert rows(steps[0], (TEXT, second), steps[1], (second, third)) == [*steps, (second, third)]
    again = [(TEXT, first), (first, TEXT), (TEXT, second), (second, first)]  # of one machine, each from where the last one ended
    assert rows(*again) == again


def test_a_second_copy_of_a_book_that_measures_teaches_nothing(world: small_world.World) -> None:
    """As from Kindle and from Apple Books: one of the two sources measures, drafts of the other one were edited and judged."""
    library = world.library
    book = small_world.source("rivers")
    marks = tuple(replace(item, outside_ids=tuple(f"{name}7" for name in item.outside_ids)) for item in book.highlights)
    copy = replace(book, title="Rivers (Kindle)", outside_ids=("readwise:b-rivers2",), highlights=marks)
    library.sources.upsert([copy], origin="api", complete=False)
    twin = library.sources.find("Rivers (Kindle)")
    sides = {source.id: "train" for source in library.sources.all()}
    for measures, taught, there in (("test", 0, True), ("test", 0, False), ("train", 1, True)):  # the second time it is thrown away
        library.db.set_state("splits", json.dumps(sides | {"readwise:b-rivers": measures}))
        library.sources.upsert([copy], origin="api", complete=False)
        ids = tuple(item.id for item in library.sources.highlights(twin.id, chapter="Beginnings"))
        batch_id = library.drafts.new_batch()
        asked = ({"role": "user", "content": "about rivers"},)
        (draft,) = library.drafts.add(
            [Draft("", batch_id, twin.id, "Beginnings", "model-1", TEXT, 0, 0, now(), messages=asked, highlight_ids=ids)]
        )
        feedback.record_edit(library, draft_id=draft.id, final_text=TEXT + "\nSo they say of all of them.\n")
        if not there:
            library.sources.upsert([replace(copy, is_deleted=True)], origin="api", complete=False)
        if taught:
            assert datasets.build(library, kind="edits").manifest["counts"]["train"] >= taught
        else:
            with pytest.raises(Invalid, match="another copy of its source measures"):
                datasets.build(library, kind="edits")


def test_edits_of_which_some_only_measure_are_all_told(world: small_world.World) -> None:
    side = {split: source_id.removeprefix("readwise:b-") for source_id, split in splits.known(world.library).items()}
    (measured,), (taught,) = drafts(world.library, TEXT, thing=side["test"]), drafts(world.library, TEXT, thing=side["train"])
    feedback.record_edit(world.library, draft_id=measured, final_text=TEXT.replace("## ", "### "))
    with pytest.raises(Invalid, match="Every edit so far \\(1\\) is of a source or chapter that only measures"):
        datasets.build(world.library, kind="edits")
    feedback.record_edit(world.library, draft_id=taught, final_text=TEXT)
    with pytest.raises(Invalid, match="2 edits so far, .*1: nothing was changed; 1: of a source or chapter that only measures"):
        datasets.build(world.library, kind="edits")
