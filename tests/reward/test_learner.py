"""The head follows the library: every kind of event moves it, undoing moves it back, and a rebuild ends at the same place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import small_world
from notewright import drafting, feedback, reward
from notewright.errors import Busy, Invalid
from notewright.library import Library
from notewright.library.database import now
from notewright.library.examples import CHANGED, Example, from_pairs
from notewright.models.bandit import FADED
from notewright.records import Draft
from notewright.reward.features import INDEX
from notewright.reward.lists import choices
from notewright.reward.rows import draft_rows
from notewright.reward.taste import COUNT, DEMONSTRATION_WEIGHT
from small_world import ScriptedEngine

TEXTS = (
    "## Rivers\n- The first fact about rivers concerns 3 careful observers.\n- The second fact.\n",
    "The first fact about rivers in beginnings concerns observers. The second fact about rivers is like the first one, careful and long.\n",
    "## Rivers\n\n> [!note] First\n> The first fact about rivers concerns 3 careful observers.\n\n**Second.** The second fact.\n",
)


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    made = small_world.build(library, tmp_path, things=("rivers", "looms"))
    small_world.base_model(library)
    return made


@pytest.fixture
def drafts(world: small_world.World) -> list[Draft]:
    return batch(world)


def batch(world: small_world.World) -> list[Draft]:
    texts = iter(TEXTS)
    made = drafting.draft(
        world.library, settings=world.settings, source="rivers", chapter="Beginnings", n=3, seed=1,
        engine=ScriptedEngine(lambda *_: next(texts, TEXTS[-1])),
    )  # fmt: skip
    return sorted(made, key=lambda draft: TEXTS.index(draft.text))


def scores(library: Library, drafts: list[Draft]) -> list[float]:
    rows = draft_rows(library, drafts)
    return [float(value) for value in reward.taste_of(library).score([rows[draft.id] for draft in drafts])[0]]


def rebuilt(library: Library) -> np.ndarray:
    reward.forget_taste(library)
    return reward.taste_of(library).mean.copy()


def test_a_click_is_learnt_from_at_once(library: Library, drafts: list[Draft]) -> None:
    a, b, c = drafts
    before = scores(library, drafts)
    feedback.rank(library, batch_id=a.batch_id, order=[[c.id], [b.id], [a.id]])
    after = scores(library, drafts)
    assert after[2] - after[0] > before[2] - before[0]
    assert after[2] > after[1] > after[0]


ACTIONS = {
    "ranking": lambda library, a, b, c: feedback.rank(library, batch_id=a, order=[["draft-2"], ["draft-1", "draft-3"]]),
    "best only": lambda library, a, b, c: feedback.rank(library, batch_id=a, order=[["draft-2"]], best_only=True),
    "ticks": lambda library, a, b, c: feedback.rank(library, batch_id=a, order=[["draft-2"]], aspects={"draft-1": ["voice"]}),
    "rejected": lambda library, a, b, c: feedback.rank(library, batch_id=a, order=[["draft-2"]], rejected=["draft-1"]),
    "accept": lambda library, a, b, c: feedback.decide(library, draft_id="draft-1", decision="accept"),
    "reject": lambda library, a, b, c: feedback.decide(library, draft_id="draft-1", decision="reject"),
    "reject all": lambda library, a, b, c: feedback.decide(library, batch_id=a, decision="reject_all"),
    "chip": lambda library, a, b, c: feedback.comment(library, draft_id="draft-1", chips=["too long"]),
    "chip of a batch": lambda library, a, b, c: feedback.comment(library, batch_id=a, chips=["not my voice", "invented"]),
    "edit": lambda library, a, b, c: feedback.record_edit(library, draft_id="draft-1", final_text="- Short.\n"),
    "belief": lambda library, a, b, c: reward.correct(library, feature="bold", prefer="less"),
    "rule": lambda library, a, b, c: reward.add_rule(library, "more callouts"),
}


@pytest.mark.parametrize("action", ACTIONS)
def test_every_kind_of_event_counts_can_be_undone_and_replayed(library: Library, drafts: list[Draft], action: str) -> None:
    before = reward.taste_of(library).mean.copy()
    ACTIONS[action](library, drafts[0].batch_id, *drafts[1:])
    moved = reward.taste_of(library).mean.copy()
    assert np.abs(moved - before).max() > 1e-3
    assert rebuilt(library) == pytest.approx(moved, abs=1e-5)
    feedback.undo(library)
    assert reward.taste_of(library).mean == pytest.approx(before, abs=1e-5)
    assert rebuilt(library) == pytest.approx(before, abs=1e-5)


def test_a_comment_without_chips_and_a_typo_say_nothing(library: Library, drafts: list[Draft]) -> None:
    before = reward.taste_of(library).mean.copy()
    feedback.comment(library, draft_id="draft-1", text="hm")
    feedback.record_edit(library, draft_id=drafts[0].id, final_text=drafts[0].text)
    assert (reward.taste_of(library).mean == before).all()


def test_what_was_accepted_after_an_edit_is_the_edited_text(library: Library, drafts: list[Draft]) -> None:
    feedback.record_edit(library, draft_id=drafts[0].id, final_text=TEXTS[2])
    first = scores(library, drafts)
    feedback.decide(library, draft_id=drafts[0].id, decision="accept")
    again = scores(library, drafts)
    assert again[2] - again[0] >= first[2] - first[0] - 1e-6


@pytest.mark.parametrize("last", ["", TEXTS[0]], ids=["deleted", "as it was"])
def test_of_several_edits_of_a_draft_the_last_counts(library: Library, drafts: list[Draft], last: str) -> None:
    before = rebuilt(library)
    feedback.record_edit(library, draft_id=drafts[0].id, final_text=TEXTS[2])
    edited = rebuilt(library)
    assert np.abs(edited - before).max() > 1e-3
    feedback.record_edit(library, draft_id=drafts[0].id, final_text=last, before=TEXTS[2])
    assert np.abs(reward.taste_of(library).mean - before).max() < 1e-5
    feedback.undo(library)
    assert np.abs(reward.taste_of(library).mean - edited).max() < 1e-5


def test_chips_of_a_batch_that_is_ranked_again_count_once(library: Library, drafts: list[Draft]) -> None:
    a, b, c = (draft.id for draft in drafts)
    feedback.rank(library, batch_id="batch-1", order=[[a], [b], [c]], chips=["too long"])
    wanted = reward.taste_of(library).mean.copy()
    feedback.rank(library, batch_id="batch-1", order=[[a], [b], [c]], chips=["too long"])
    assert np.abs(reward.taste_of(library).mean - wanted).max() < 1e-5
    feedback.rank(library, batch_id="batch-1", order=[[a], [b], [c]])  # one that says nothing leaves what was said before
    assert np.abs(reward.taste_of(library).mean - wanted).max() < 1e-5
    feedback.rank(library, batch_id="batch-1", order=[[a], [b], [c]], chips=["too short"])
    assert np.abs(reward.taste_of(library).mean - wanted).max() > 1e-3
    feedback.undo(library)
    feedback.comment(library, batch_id="batch-1", chips=["too long"])
    assert np.abs(reward.taste_of(library).mean - wanted).max() > 1e-3


def test_a_later_ranking_of_a_batch_replaces_the_earlier(library: Library, drafts: list[Draft]) -> None:
    a, b, c = (draft.id for draft in drafts)
    feedback.rank(library, batch_id="batch-1", order=[[c], [b], [a]])
    wanted = reward.taste_of(library).mean.copy()
    feedback.rank(library, batch_id="batch-1", order=[[a], [b], [c]])
    assert np.abs(reward.taste_of(library).mean - wanted).max() > 0.01
    feedback.rank(library, batch_id="batch-1", order=[[c], [b], [a]])
    assert reward.taste_of(library).mean == pytest.approx(wanted, abs=1e-5)


def test_an_acceptance_compares_where_no_ranking_does(library: Library, drafts: list[Draft]) -> None:
    a, b, c = (draft.id for draft in drafts)

    def compared() -> dict[str, tuple[int, ...]]:
        """Accepted drafts, and with how many each was compared."""
        return {key.split()[0]: item.sizes for key, item in reward.taste_of(library).evidence.items() if "accepted" in key}

    feedback.decide(library, draft_id=a, decision="accept")
    assert compared() == {a: (2,)}
    feedback.decide(library, draft_id=b, decision="accept")
    assert compared() == {a: (1,), b: (2,)}
    feedback.rank(library, batch_id="batch-1", order=[], rejected=[c])
    assert set(compared()) == {a, b}
    feedback.rank(library, batch_id="batch-1", order=[[a], [b]])
    assert compared() == {}
    feedback.undo(library)
    feedback.decide(library, draft_id=b, decision="reject")
    assert compared() == {a: (2,)}


def test_own_notes_beat_what_a_model_wrote_from_the_same_highlights(world: small_world.World, library: Library) -> None:
    assert len(reward.note_rows_of(library)) == 4
    alone = reward.taste_of(library).mean.copy()
    batch(world)
    assert np.abs(reward.taste_of(library).mean - alone).max() > 1e-3
    assert any("demonstration" in key for key in reward.taste_of(library)._evidence)


def demonstrations(library: Library) -> dict[str, float]:
    """Weights by draft."""
    held = reward.taste_of(library).evidence
    return {key.split()[0]: item.weights[0] for key, item in held.items() if key.endswith("demonstration")}


def test_after_a_change_a_followed_head_is_the_one_that_is_built_anew(world: small_world.World, library: Library) -> None:
    """Own notes are former, and count a quarter, until a draft of the same highlights is judged."""
    examples = from_pairs(library)
    batches = []

    def draft(example: Example) -> list[Draft]:
        highlights = [item.id for item in example.prompt.highlights]
        engine = ScriptedEngine(small_world.numbered)
        return drafting.draft(
            library, settings=world.settings, source=example.source_id, highlight_ids=highlights, seed=len(batches), n=2, engine=engine
        )

    def agree() -> dict[str, float]:
        followed, mean = demonstrations(library), reward.taste_of(library).mean.copy()
        assert rebuilt(library) == pytest.approx(mean, abs=1e-5)
        assert demonstrations(library) == followed
        return followed

    def rank(drafts: list[Draft]) -> None:
        feedback.rank(library, batch_id=drafts[0].batch_id, order=[[drafts[1].id], [drafts[0].id]])

    batches = [draft(example) for example in examples[:3]]
    full = set(demonstrations(library).values())
    assert full == {DEMONSTRATION_WEIGHT}
    library.db.set_state(CHANGED, now())
    assert set(agree().values()) == {DEMONSTRATION_WEIGHT * FADED}
    rank(batches[0])
    weights = demonstrations(library)  # not built anew between a click and the next
    assert {weights[item.id] for item in batches[0]} == full
    assert {weights[item.id] for item in batches[1]} == {DEMONSTRATION_WEIGHT * FADED}
    rank(batches[1])
    batches += [draft(examples[1]), draft(examples[3])]
    rank(batches[4])
    weights = agree()
    assert {weights[item.id] for batch in (*batches[:2], *batches[3:]) for item in batch} == full
    rank(batches[3])
    for _ in range(3):
        feedback.undo(library)
    weights = agree()
    assert {weights[item.id] for item in batches[0]} == full
    assert {weights[item.id] for batch in batches[1:] for item in batch} == {DEMONSTRATION_WEIGHT * FADED}


def test_who_reads_the_head_is_not_disturbed_by_what_is_judged_meanwhile(library: Library, drafts: list[Draft]) -> None:
    a, b, c = (draft.id for draft in drafts)
    rows = list(draft_rows(library, drafts).values())
    feedback.rank(library, batch_id="batch-1", order=[[a], [b], [c]])
    first = reward.taste_of(library)
    assert reward.taste_of(library) is first
    shown, keys, before = first.score(rows), list(first.evidence), first.mean.copy()
    names = iter(first.evidence)
    next(names)
    feedback.rank(library, batch_id="batch-1", order=[[c], [b], [a]])
    feedback.comment(library, draft_id=a, chips=["too long"])
    second = reward.taste_of(library)
    assert [*keys[:1], *names] == list(first.evidence) == keys != list(second.evidence)
    assert (first.score(rows)[1] == shown[1]).all()
    assert (first.mean == before).all()
    assert second.mean == pytest.approx(rebuilt(library), abs=1e-5)


def test_a_judgement_that_was_taken_back_before_the_person_changed_fades_no_later_one(library: Library, drafts: list[Draft]) -> None:
    order = [[draft.id] for draft in drafts]
    feedback.rank(library, batch_id="batch-1", order=order[::-1])
    feedback.undo(library)
    library.db.set_state(CHANGED, now())
    feedback.rank(library, batch_id="batch-1", order=order)
    (found,) = (stages for key, stages in reward.taste_of(library).evidence.items() if key == "batch-1 ranking")
    assert found.weights == (1.0, 1.0)


def test_new_pairs_move_the_yardstick(world: small_world.World, library: Library) -> None:
    before = reward.taste_of(library).scale
    library.pairs.decide(library.pairs.all()[0].id, "rejected")
    assert reward.taste_of(library).scale != before


def test_a_library_that_was_replaced_in_its_place_is_read_anew(library: Library, drafts: list[Draft], tmp_path: Path) -> None:
    feedback.rank(library, batch_id="batch-1", order=[["draft-1"], ["draft-2"]])
    assert len(reward.taste_of(library)) > 1
    library.close()
    library.home.rename(tmp_path / "away")
    with Library.create(library.home) as new:
        assert len(reward.taste_of(new)) == 0


def test_a_corrected_belief_is_believed(library: Library, world: small_world.World) -> None:
    reward.correct(library, feature="bullets", prefer="about", value=4)
    head = reward.taste_of(library)
    base = [max(head.scale.raw(index, 0.0), 0.0) for index in range(COUNT)]
    utilities = []
    for bullets in range(1, 12):
        base[INDEX["bullets"]] = bullets
        utilities.append(head.score([list(base)])[0][0])
    assert int(np.argmax(utilities)) + 1 in (3, 4, 5)
    reward.correct(library, feature="bullets", prefer="indifferent")
    head = reward.taste_of(library)
    assert abs(head.mean[INDEX["bullets"]]) < 0.01
    assert abs(head.mean[COUNT + INDEX["bullets"]]) < 0.01


@pytest.mark.parametrize(
    "bad",
    [
        {"feature": "taste", "prefer": "more"}, {"feature": "bold", "prefer": "most"}, {"feature": "bold", "prefer": "about"},
        {"feature": "bold", "prefer": "more", "value": 2.0}, {"feature": "bold", "prefer": "about", "value": float("nan")},
    ],
)  # fmt: skip
def test_beliefs_that_cannot_be_recorded(library: Library, bad: dict) -> None:
    with pytest.raises(Invalid) as caught:
        reward.correct(library, **bad)
    assert ("Features: headings" if bad["feature"] == "taste" else "--prefer about 4") in caught.value.hint
    assert library.events.all() == []


def test_what_comes_in_late_counts_by_its_time_click_by_click_as_anew(library: Library, drafts: list[Draft]) -> None:
    a, b, c = (draft.id for draft in drafts)
    feedback.rank(library, batch_id="batch-1", order=[[c], [b], [a]])
    feedback.record_edit(library, draft_id=a, final_text=TEXTS[2])
    wanted = reward.taste_of(library).mean.copy()
    ranking, edit = library.events.all("ranking")[0], library.events.all("edit")[0]
    older = "2026-01-01T00:00:00+00:00"
    library.events.append("ranking", "batch-1", {**ranking.payload, "order": [[a], [b], [c]]}, at=older)
    library.events.append("edit", a, {**edit.payload, "final_text": TEXTS[1]}, at=older)
    assert reward.taste_of(library).mean == pytest.approx(wanted, abs=1e-5)
    assert rebuilt(library) == pytest.approx(wanted, abs=1e-5)
    assert [choice.event.id for choice in choices(library)] == [ranking.id, edit.id]


def test_an_edit_that_comes_in_after_its_insertion_was_taken_back_counts_nothing(library: Library, drafts: list[Draft]) -> None:
    insertion = library.events.append("insertion", drafts[0].id, {"insertion": {"note_path": "A.md"}})
    library.events.append("undo", str(insertion.id), {"events": [insertion.id], "kind": "insertion"})
    before = reward.taste_of(library).mean.copy()
    feedback.record_edit(library, draft_id=drafts[0].id, final_text=TEXTS[2], via="watch", insertion=insertion.id)
    assert (reward.taste_of(library).mean == before).all()
    assert rebuilt(library) == pytest.approx(before, abs=1e-5)


def test_a_rule_about_highlights_moves_the_yardstick_at_once(world: small_world.World, library: Library) -> None:
    batch(world)
    before = reward.taste_of(library).mean.copy()
    reward.add_rule(library, "only annotated highlights")  # from now on the own notes answer fewer highlights
    followed = reward.taste_of(library).mean.copy()
    assert np.abs(followed - before).max() > 1e-3
    assert followed == pytest.approx(rebuilt(library), abs=1e-5)


def test_what_could_not_be_learnt_is_learnt_the_next_time(
    world: small_world.World, drafts: list[Draft], monkeypatch: pytest.MonkeyPatch
) -> None:
    library = world.library
    before = reward.taste_of(library).mean.copy()
    feedback.record_edit(library, draft_id=drafts[0].id, final_text="Bees hum. They do it all day long, and at night too.\n")

    def busy(*_: object, **__: object) -> None:
        raise Busy("The library is in use by another process.", "Wait.")

    with monkeypatch.context() as patch:
        patch.setattr(library.measures, "put", busy)
        with pytest.raises(Busy):
            reward.taste_of(library)
    learnt = reward.taste_of(library).mean.copy()
    assert not np.allclose(learnt, before)
    assert np.allclose(learnt, rebuilt(library))
