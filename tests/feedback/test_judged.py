"""What counts now of all that was said of one batch."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import small_world
from notewright import drafting, feedback
from notewright.errors import NotFound
from notewright.feedback import Judged
from notewright.library import Library
from small_world import ScriptedEngine, numbered

NOTE = "Notes/Moss.md"


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    made = small_world.build(library, tmp_path, paired=())
    small_world.base_model(library)
    return made


@pytest.fixture
def ids(world: small_world.World) -> list[str]:
    drafts = drafting.draft(
        world.library, settings=world.settings, engine=ScriptedEngine(numbered), source="moss", chapter="Beginnings", n=3, written=3, seed=1
    )
    return [draft.id for draft in drafts]


def now(world: small_world.World, ids: list[str]) -> Judged:
    return feedback.judged(world.library, world.library.drafts.get(ids[0]).batch_id)


def rank(world: small_world.World, order: list[list[str]], **more: object) -> None:
    batch = world.library.drafts.get(order[0][0]).batch_id
    feedback.rank(world.library, batch_id=batch, order=order, **more)  # type: ignore[arg-type]


def test_nothing_was_said(world: small_world.World, ids: list[str]) -> None:
    found = now(world, ids)
    assert (found.order, found.rejected, found.accepted, found.edits) == ((), (), {}, {})
    with pytest.raises(NotFound):
        feedback.judged(world.library, "batch-99")


def test_the_last_ranking_and_the_rejections_since(world: small_world.World, ids: list[str]) -> None:
    one, two, three = ids
    rank(world, [[one], [two, three]])
    rank(world, [[two], [one, three]])
    assert now(world, ids).order == ((two,), (one, three))
    feedback.decide(world.library, decision="reject", draft_id=one)
    assert (now(world, ids).order, now(world, ids).rejected) == (((two,), (three,)), (one,))
    feedback.undo(world.library)
    assert (now(world, ids).order, now(world, ids).rejected) == (((two,), (one, three)), ())
    feedback.decide(world.library, decision="reject_all", draft_id=one)
    assert (now(world, ids).order, now(world, ids).rejected) == ((), tuple(ids))


def test_only_the_best_one_was_named(world: small_world.World, ids: list[str]) -> None:
    rank(world, [[ids[1]]], best_only=True)
    assert now(world, ids).order == ((ids[1],),), "the others were not compared"


def test_where_an_accepted_one_stands_and_how_it_was_edited(world: small_world.World, ids: list[str]) -> None:
    one, two, three = ids
    text = world.library.drafts.get(one).text
    feedback.record_edit(world.library, draft_id=one, final_text="- Mine.\n")
    feedback.record_edit(world.library, draft_id=two, final_text="- Mine too.\n")
    assert now(world, ids).edits == {one: "- Mine.\n", two: "- Mine too.\n"}
    feedback.record_edit(world.library, draft_id=one, final_text=text)
    feedback.accept(world.library, settings=world.settings, draft_id=two, into=NOTE, final_text="- Mine too.\n")
    feedback.decide(world.library, decision="accept", draft_id=three)
    found = now(world, ids)
    assert (found.accepted, found.edits) == ({two: NOTE, three: ""}, {two: "- Mine too.\n"})
    (world.vault / NOTE).write_text("- Mine too, changed later.\n", encoding="utf-8")
    feedback.capture(world.library, settings=world.settings)
    assert now(world, ids).edits == {two: "- Mine too.\n"}, "as it was when it went into the note"
    feedback.undo_last(world.library, settings=world.settings, number=1)
    feedback.undo(world.library, settings=world.settings)
    assert now(world, ids).accepted == {two: NOTE}


def test_of_a_draft_only_the_last_word_counts(world: small_world.World, ids: list[str]) -> None:
    one = ids[0]
    feedback.decide(world.library, decision="reject", draft_id=one)
    feedback.decide(world.library, decision="accept", draft_id=one)
    assert (now(world, ids).rejected, now(world, ids).accepted) == ((), {one: ""})
    feedback.decide(world.library, decision="reject", draft_id=one)
    assert (now(world, ids).rejected, now(world, ids).accepted) == ((one,), {})
    feedback.decide(world.library, decision="accept", draft_id=one)
    feedback.decide(world.library, decision="reject_all", draft_id=one)
    assert (now(world, ids).rejected, now(world, ids).accepted) == (tuple(ids), {})


def test_what_was_said_of_an_order_is_taken_back_whole(world: small_world.World, ids: list[str]) -> None:
    library, batch = world.library, world.library.drafts.get(ids[0]).batch_id
    assert feedback.withdraw(library, batch) is None
    rank(world, [[ids[0]], [ids[1]]])
    feedback.decide(library, decision="reject", draft_id=ids[2])
    rank(world, [[ids[1]], [ids[0]]], rejected=[ids[2]])
    feedback.comment(library, draft_id=ids[0], text="Good.")
    feedback.decide(library, decision="accept", draft_id=ids[1])
    taken = feedback.withdraw(library, batch)
    assert taken is not None
    assert (taken.kind, taken.payload["kind"], len(taken.payload["events"])) == ("undo", "ranking", 3)
    found = now(world, ids)
    assert (found.order, found.rejected, found.accepted) == ((), (), {ids[1]: ""})
    assert [event.kind for event in library.events.standing("ranking", "decision", "comment")] == ["comment", "decision"]
    assert feedback.withdraw(library, batch) is None
    with pytest.raises(NotFound):
        feedback.withdraw(library, "batch-99")


@pytest.mark.parametrize("seed", range(12))
def test_after_any_day_nothing_is_left_of_what_was_withdrawn(world: small_world.World, ids: list[str], seed: int) -> None:
    library, chance, batch = world.library, random.Random(seed), world.library.drafts.get(ids[0]).batch_id
    for _ in range(25):
        mixed = chance.sample(ids, 3)
        before, deeds = now(world, ids), library.events.last()
        match chance.choice(["rank", "reject", "all", "accept", "undo", "withdraw"]):
            case "rank":
                rank(world, [[mixed[0]], [mixed[1]]], rejected=mixed[2:])
            case "reject":
                feedback.decide(library, decision="reject", draft_id=mixed[0])
            case "all":
                feedback.decide(library, decision="reject_all", batch_id=batch)
            case "accept":
                feedback.decide(library, decision="accept", draft_id=mixed[0])
            case "undo" if feedback.undoable(library):
                feedback.undo(library, settings=world.settings)
            case "withdraw":
                taken, found = feedback.withdraw(library, batch), now(world, ids)
                assert (found.order, found.rejected) == ((), ())
                assert taken is not None or (before == found and library.events.last() == deeds)
                assert not [event for event in library.events.standing("ranking", "decision") if event.payload.get("decision") != "accept"]
    lines = list(feedback.export_feedback(library))
    assert feedback.import_feedback(library, lines).events == 0
