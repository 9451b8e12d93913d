"""Preferences derived from what the person did."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import small_world
from notewright import datasets, feedback
from notewright.cli import main
from notewright.errors import Invalid
from notewright.library import Library, splits
from notewright.library.database import now
from notewright.library.examples import from_pairs
from notewright.records import Dataset, Draft
from notewright.reward.lists import choices, list_key, question_key, text_key
from notewright.settings import Settings


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    made = small_world.build(library, tmp_path)
    splits.assign(library, [source.id for source in library.sources.all()])
    return made


def batch(library: Library, *texts: str, thing: str = "looms", highlight_ids: tuple[str, ...] = ()) -> tuple[str, list[str]]:
    """Stored drafts with these texts; returns the batch id and the draft ids."""
    batch_id = library.drafts.new_batch()
    drafts = library.drafts.add(
        Draft(
            id="", batch_id=batch_id, source_id=f"readwise:b-{thing}", chapter="Beginnings", model_id="model-1", text=text,
            position=position, seed=position, created_at=now(), messages=({"role": "user", "content": f"about {thing}"},),
            highlight_ids=highlight_ids,
        )
        for position, text in enumerate(texts)
    )  # fmt: skip
    return batch_id, [draft.id for draft in drafts]


def learnt(library: Library, split: str = "train", **options) -> list[tuple[str, str, str, float]]:
    """(kind, chosen, rejected, margin) of a fresh dataset."""
    found = datasets.load(datasets.build(library, kind="preference", **options), split)
    return [(row["kind"], row["chosen"][0]["content"], row["rejected"][0]["content"], row["margin"]) for row in found]


def test_a_ranking_with_ties_gives_every_better_worse_pair(world: small_world.World) -> None:
    batch_id, (a, b, c, d) = batch(world.library, "A", "B", "C", "D")
    feedback.rank(world.library, batch_id=batch_id, order=[[b], [a, d], [c]])
    assert learnt(world.library) == [
        ("ranking", "B", "A", 0.5), ("ranking", "B", "D", 0.5), ("ranking", "B", "C", 1.0), ("ranking", "A", "C", 0.5),
        ("ranking", "D", "C", 0.5),
    ]  # fmt: skip
    assert [row[1:3] for row in learnt(world.library, adjacent=True)] == [("B", "A"), ("B", "D"), ("A", "C"), ("D", "C")]


def test_it_is_told_how_many_choices_gave_the_preferences(world: small_world.World, capsys: pytest.CaptureFixture[str]) -> None:
    batch_id, (a, b, c, d) = batch(world.library, "A", "B", "C", "D")
    feedback.rank(world.library, batch_id=batch_id, order=[[b], [a, d], [c]])
    _, (e, _f) = batch(world.library, "E", "F", thing="rivers")
    feedback.decide(world.library, draft_id=e, decision="accept")
    dataset = datasets.build(world.library, kind="preference")
    assert dataset.manifest["made_from"] == {"choices": 2, "preferences": 6, "others": 0}
    example = next(item for item in from_pairs(world.library) if item.source_id == "readwise:b-looms")
    batch(world.library, "G", highlight_ids=tuple(item.id for item in example.prompt.highlights))
    shown = datasets.build(world.library, kind="preference", demonstrations=True)
    assert shown.manifest["made_from"] == {"choices": 2, "preferences": 6, "others": 1}
    assert main(["dataset", "list"]) == 0
    told = [line.split("\t")[-2] for line in capsys.readouterr().out.splitlines()[1:]]
    assert told == ["6 preferences from 2 choices of yours", "6 preferences from 2 choices of yours, 1 without a choice"]
    older = {name: value for name, value in dataset.manifest.items() if name != "made_from"}
    world.library.datasets.add(Dataset("dataset-9", "preference", dataset.path, "2026-01-01", older))
    assert main(["dataset", "show", "9"]) == 0
    assert "in all   6 preferences\n" in capsys.readouterr().out


def test_unmentioned_drafts_are_not_compared_and_rejected_ones_lose(world: small_world.World) -> None:
    batch_id, (a, b, c, d) = batch(world.library, "A", "B", "C", "D")
    feedback.rank(world.library, batch_id=batch_id, order=[[b]], rejected=[d])
    assert [row[1:3] for row in learnt(world.library)] == [("B", "D")]


def test_a_ranking_that_names_a_draft_that_is_gone_compares_the_others(world: small_world.World) -> None:
    """As after importing a file from which a line was lost."""
    batch_id, (a, b) = batch(world.library, "A", "B")
    world.library.events.append("ranking", batch_id, {"batch": batch_id, "order": [[a], ["draft:gone"], [b]], "rejected": ["draft:lost"]})
    assert [row[1:3] for row in learnt(world.library)] == [("A", "B")]


def test_rows_have_trls_columns(world: small_world.World) -> None:
    batch_id, (a, b) = batch(world.library, "A", "B")
    event = feedback.rank(world.library, batch_id=batch_id, order=[[a], [b]])
    [row] = datasets.load(datasets.build(world.library, kind="preference"), "train")
    assert row == {
        "prompt": [{"role": "user", "content": "about looms"}], "chosen": [{"role": "assistant", "content": "A"}],
        "rejected": [{"role": "assistant", "content": "B"}], "source_id": "readwise:b-looms", "kind": "ranking", "margin": 1.0,
        "event_id": event.id, "question": text_key(batch_id),
    }  # fmt: skip


def test_rows_say_which_question_they_are_about(world: small_world.World) -> None:
    """Also where the prompt was put in other words, as after a new rule."""
    shown = (small_world.highlight_id("looms", 0, 0), small_world.highlight_id("looms", 0, 1))
    for highlight_ids in (shown, shown, shown[:1], ()):
        batch_id, (a, b) = batch(world.library, "A", "B", highlight_ids=highlight_ids)
        feedback.rank(world.library, batch_id=batch_id, order=[[a], [b]])
        feedback.record_edit(world.library, draft_id=a, final_text=f"quite another note than {batch_id}")
    rows = datasets.load(datasets.build(world.library, kind="preference"), "train")
    assert [row["kind"] for row in rows] == ["ranking", "edit"] * 4
    keys = [question_key(row) for row in rows]
    assert keys[:4] == [keys[0]] * 4
    assert len(set(keys)) == 3


def test_the_last_ranking_of_a_batch_counts(world: small_world.World) -> None:
    batch_id, (a, b) = batch(world.library, "A", "B")
    feedback.rank(world.library, batch_id=batch_id, order=[[a], [b]])
    feedback.rank(world.library, batch_id=batch_id, order=[[b], [a]])
    dataset = datasets.build(world.library, kind="preference")
    assert [row["chosen"][0]["content"] for row in datasets.load(dataset, "train")] == ["B"]
    assert dataset.manifest["choices_left_out"] == {"ranked again later": 1}


def test_undone_events_do_not_count(world: small_world.World) -> None:
    batch_id, (a, b) = batch(world.library, "A", "B")
    feedback.rank(world.library, batch_id=batch_id, order=[[a], [b]])
    feedback.rank(world.library, batch_id=batch_id, order=[[b], [a]])
    feedback.undo(world.library, settings=world.settings)
    assert [row[1:3] for row in learnt(world.library)] == [("A", "B")]
    first = world.library.events.all("ranking")[0].id
    parents = datasets.build(world.library, kind="preference").manifest["parents"]
    assert parents == {"events": 1, "first_event": first, "last_event": first}
    feedback.undo(world.library, settings=world.settings)
    with pytest.raises(Invalid, match="no choices to learn from yet"):
        datasets.build(world.library, kind="preference")
    feedback.decide(world.library, draft_id=a, decision="reject")
    with pytest.raises(Invalid, match="1 choice so far"):
        datasets.build(world.library, kind="preference")


def test_accepting_beats_what_was_shown_beside_it(world: small_world.World) -> None:
    _, (a, b, c) = batch(world.library, "A", "B", "C")
    batch(world.library, "elsewhere")
    feedback.decide(world.library, draft_id=b, decision="accept")
    assert learnt(world.library) == [("accept", "B", "A", 1.0), ("accept", "B", "C", 1.0)]


def test_a_later_word_on_two_texts_replaces_the_earlier(world: small_world.World) -> None:
    _, (a, b, c) = batch(world.library, "A", "B", "C")
    feedback.decide(world.library, draft_id=a, decision="accept")
    feedback.decide(world.library, draft_id=b, decision="accept")
    assert sorted(row[1:3] for row in learnt(world.library)) == [("A", "C"), ("B", "A"), ("B", "C")]
    feedback.decide(world.library, draft_id=b, decision="reject")
    assert sorted(row[1:3] for row in learnt(world.library)) == [("A", "B"), ("A", "C")]


@pytest.mark.parametrize("accepted", [0, 1], ids=["the best", "the second"])
@pytest.mark.parametrize("first", ["ranking", "accept"])
def test_a_ranking_says_what_is_better_also_beside_an_acceptance(world: small_world.World, first: str, accepted: int) -> None:
    batch_id, ids = batch(world.library, "A", "B", "C")
    acts = {
        "ranking": lambda: feedback.rank(world.library, batch_id=batch_id, order=[[draft_id] for draft_id in ids]),
        "accept": lambda: feedback.decide(world.library, draft_id=ids[accepted], decision="accept"),
    }
    for act in sorted(acts, key=lambda name: name != first):
        acts[act]()
    dataset = datasets.build(world.library, kind="preference")
    rows = datasets.load(dataset, "train")
    assert [(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in rows] == [("A", "B"), ("A", "C"), ("B", "C")]
    assert len({list_key(row) for row in rows}) == 1  # one decision
    assert dataset.manifest["choices_left_out"] == {"accepted from a ranked batch: the ranking says what is better": 1}


@pytest.mark.parametrize("placed", [{"order": [], "rejected": [2]}, {"order": [[0]]}], ids=["only a rejection", "one draft alone"])
def test_a_ranking_that_compares_nothing_leaves_that_to_an_acceptance(world: small_world.World, placed: dict) -> None:
    batch_id, ids = batch(world.library, "A", "B", "C")
    order, rejected = [[ids[at] for at in group] for group in placed["order"]], [ids[at] for at in placed.get("rejected", ())]
    feedback.rank(world.library, batch_id=batch_id, order=order, rejected=rejected)
    feedback.decide(world.library, draft_id=ids[1], decision="accept")
    assert learnt(world.library) == [("accept", "B", "A", 1.0), ("accept", "B", "C", 1.0)]
    assert [len(choice.pairs) for choice in choices(world.library)] == [2]


def test_drafts_that_were_placed_as_equals_stay_equals(world: small_world.World) -> None:
    batch_id, (a, b, c) = batch(world.library, "A", "B", "C")
    feedback.rank(world.library, batch_id=batch_id, order=[[a, b], [c]])
    feedback.decide(world.library, draft_id=a, decision="accept")
    assert learnt(world.library) == [("ranking", "A", "C", 1.0), ("ranking", "B", "C", 1.0)]


def test_rejections_alone_compare_nothing(world: small_world.World) -> None:
    batch_id, (a, b) = batch(world.library, "A", "B")
    feedback.decide(world.library, draft_id=a, decision="reject")
    feedback.decide(world.library, batch_id=batch_id, decision="reject_all")
    feedback.rank(world.library, batch_id=batch_id, order=[], rejected=[a, b])
    ranked = "2: rejected before its batch was ranked: the ranking counts; 1: a ranking that only rejects: it puts no draft above another"
    with pytest.raises(Invalid, match=f"3 choices so far, and none can be learnt from \\({ranked}\\)"):
        datasets.build(world.library, kind="preference")


def test_every_choice_is_accounted_for(world: small_world.World, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that give preferences and those that give none, each with its reason, are all that there are."""
    library = world.library
    ranked, (a, b) = batch(library, "A", "B")
    feedback.rank(library, batch_id=ranked, order=[[a], [b]])
    feedback.rank(library, batch_id=ranked, order=[[b], [a]])
    feedback.decide(library, draft_id=b, decision="accept")
    refused, (c, d, e) = batch(library, "C", "D", "E")
    feedback.decide(library, draft_id=c, decision="reject")
    feedback.rank(library, batch_id=refused, order=[], rejected=[c, d, e])
    for order in ([["one"]], [["one", "two"]], [["one"], ["two"]]):
        other, (first, second) = batch(library, "F", "F" if len(order) == 2 else "G")
        names = {"one": first, "two": second}
        feedback.rank(library, batch_id=other, order=[[names[item] for item in group] for group in order])
    twice, (h, i) = batch(library, "H", "I")
    feedback.decide(library, draft_id=h, decision="accept")
    feedback.decide(library, draft_id=i, decision="accept")
    _, (alone,) = batch(library, "J")
    feedback.decide(library, draft_id=alone, decision="accept")
    feedback.decide(library, batch_id=batch(library, "K", "L")[0], decision="reject_all")
    fallen, (m, n) = batch(library, "M", "N")
    feedback.rank(library, batch_id=fallen, order=[[m], [n]])
    feedback.decide(library, draft_id=m, decision="reject")
    feedback.decide(library, draft_id=n, decision="reject")
    library.events.append("ranking", "batch-99", {"batch": "batch-99", "order": [["x"], ["y"]], "rejected": []})
    feedback.decide(library, batch_id=fallen, decision="reject_all")
    feedback.undo(library, settings=world.settings)
    manifest = datasets.build(library, kind="preference").manifest
    assert manifest["made_from"] == {"choices": 2, "preferences": 2, "others": 0}
    assert manifest["choices_left_out"] == {
        "a ranking of equals: it puts no draft above another": 1,
        "a ranking of one draft alone": 1,
        "a ranking that only rejects: it puts no draft above another": 1,
        "a rejection by itself: it puts no draft above another": 3,
        "accepted from a ranked batch: the ranking says what is better": 1,
        "accepted without a rival": 1,
        "all that it ranked was rejected later": 1,
        "identical texts": 1,
        "its drafts are gone": 1,
        "ranked again later": 1,
        "rejected before its batch was ranked: the ranking counts": 1,
        "said anew later of the same texts": 1,
        "undone": 1,
    }
    assert sum(manifest["choices_left_out"].values()) + 2 == len(library.events.all("ranking", "decision", "edit"))
    assert main(["dataset", "show", "1"]) == 0
    told = capsys.readouterr().out
    assert "left out: 1 choice (a ranking that only rejects: it puts no draft above another)\n" in told
    assert "left out: 3 choices (a rejection by itself" in told
    assert "left out: 1 (identical texts)\n" in told


@pytest.mark.parametrize(
    ("final", "expected"),
    [
        ("one two three FOUR", [("edit", "one two three FOUR", "one two three four", 1.0)]),
        ("one two three four\n", []),
        ("  ", []),
    ],
)
def test_an_edit_beats_its_draft(world: small_world.World, final: str, expected: list) -> None:
    batch_id, (a, b, c) = batch(world.library, "one two three four", "X", "Y")
    feedback.rank(world.library, batch_id=batch_id, order=[[b], [c]])
    feedback.record_edit(world.library, draft_id=a, final_text=final)
    assert [row for row in learnt(world.library) if row[0] == "edit"] == expected


def test_a_typos_worth_of_editing_says_nothing_about_taste(world: small_world.World) -> None:
    text = " ".join(f"word{number}" for number in range(100))
    batch_id, (a, b, c) = batch(world.library, text, "X", "Y")
    feedback.rank(world.library, batch_id=batch_id, order=[[b], [c]])
    feedback.record_edit(world.library, draft_id=a, final_text=text.replace("word7 ", "ward7 "))
    dataset = datasets.build(world.library, kind="preference")
    assert dataset.manifest["choices_left_out"] == {"an edit no larger than a typo": 1}


def test_an_edit_that_was_taken_back_teaches_nothing_any_more(world: small_world.World) -> None:
    batch_id, (a, b, c) = batch(world.library, "one two three four", "X", "Y")
    feedback.rank(world.library, batch_id=batch_id, order=[[b], [c]])
    feedback.record_edit(world.library, draft_id=a, final_text="quite another note")
    assert [row[0] for row in learnt(world.library)] == ["ranking", "edit"]
    feedback.record_edit(world.library, draft_id=a, final_text="", before="quite another note")
    assert [row[0] for row in learnt(world.library)] == ["ranking"]


def test_identical_texts_are_skipped(world: small_world.World) -> None:
    batch_id, (a, b, c) = batch(world.library, "A", "A\n", "C")
    feedback.rank(world.library, batch_id=batch_id, order=[[a], [b], [c]])
    dataset = datasets.build(world.library, kind="preference")
    assert dataset.manifest["counts"] == {"train": 2, "valid": 0, "test": 0}
    assert dataset.manifest["left_out"] == {"identical texts": 1}


def test_choices_about_held_out_sources_only_measure(world: small_world.World) -> None:
    side = {split: source_id.removeprefix("readwise:b-") for source_id, split in splits.known(world.library).items()}
    for thing in (side["test"], side["valid"]):
        batch_id, (a, b) = batch(world.library, "A", "B", thing=thing)
        feedback.rank(world.library, batch_id=batch_id, order=[[a], [b]])
    with pytest.raises(Invalid, match="2 choices so far, .* \\(2: about a source or chapter that only measures\\)") as caught:
        datasets.build(world.library, kind="preference")
    assert "notewright draft --source" in caught.value.hint
    batch_id, (a, b) = batch(world.library, "A", "A", thing=side["train"])
    feedback.rank(world.library, batch_id=batch_id, order=[[a], [b]])
    with pytest.raises(Invalid, match="3 choices so far, .* \\(2: about .* only measures; 1: identical texts\\)"):
        datasets.build(world.library, kind="preference")
    batch_id, (a, b) = batch(world.library, "A", "B", thing=side["train"])
    feedback.rank(world.library, batch_id=batch_id, order=[[a], [b]])
    assert datasets.build(world.library, kind="preference").manifest["counts"] == {"train": 1, "valid": 1, "test": 1}


def test_demonstrations_only_when_asked_for(world: small_world.World) -> None:
    example = next(item for item in from_pairs(world.library) if item.source_id == "readwise:b-looms")
    shown = tuple(item.id for item in example.prompt.highlights)
    batch_id, (a, b) = batch(world.library, "A", "B", highlight_ids=shown)
    batch(world.library, "not from the same highlights", highlight_ids=shown[:1])
    feedback.rank(world.library, batch_id=batch_id, order=[[a], [b]])
    assert len(learnt(world.library)) == 1
    rows = learnt(world.library, demonstrations=True)
    assert rows[1:] == [("demonstration", example.passage, "A", 1.0), ("demonstration", example.passage, "B", 1.0)]


def test_nothing_done_yet(library: Library) -> None:
    with pytest.raises(Invalid, match="no choices") as caught:
        datasets.build(library, kind="preference", settings=Settings(home=library.home))
    assert "notewright rank" in caught.value.hint


def test_the_same_choices_give_the_same_dataset(world: small_world.World) -> None:
    batch_id, (a, b) = batch(world.library, "A", "B")
    feedback.rank(world.library, batch_id=batch_id, order=[[a], [b]])
    first = datasets.build(world.library, kind="preference")
    feedback.comment(world.library, draft_id=a, text="fine")
    assert datasets.build(world.library, kind="preference") == first
    feedback.decide(world.library, draft_id=a, decision="accept")
    assert datasets.build(world.library, kind="preference").id != first.id


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.lists(st.integers(0, 3), min_size=2, max_size=5), st.booleans())
def test_derived_pairs_never_contradict_the_ranking(world: small_world.World, places: list[int], adjacent: bool) -> None:
    batch_id, ids = batch(world.library, *(f"text {number}" for number in range(len(places))))
    order = [[ids[index] for index, at in enumerate(places) if at == place] for place in sorted(set(places))]
    feedback.rank(world.library, batch_id=batch_id, order=order)
    place_of = {f"text {index}": at for index, at in enumerate(places)}
    event_id = feedback.history(world.library)[0].event.id
    if len(order) == 1:
        return
    dataset = datasets.build(world.library, kind="preference", adjacent=adjacent)
    rows = [row for row in datasets.load(dataset, "train") if row["event_id"] == event_id]
    found = [(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in rows]
    assert all(place_of[chosen] < place_of[rejected] for chosen, rejected in found)
    assert len(set(found)) == len(found)
    if not adjacent:
        assert len(found) == sum(one < other for one in places for other in places)
