"""Trust: judged on unseen lists, never from luck, kept, and enforced."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

import small_world
from notewright.errors import Invalid
from notewright.feedback import decide, rank, record_edit, undo
from notewright.library import Library
from notewright.library.database import now
from notewright.records import REWARDS, Draft, Model
from notewright.reward import taste_of
from notewright.reward.judges import labelling_taste
from notewright.reward.lists import choices, list_key, text_key
from notewright.reward.trust import allowed, combined, interval, judge, require, trust


def batch(library: Library, number: int) -> list[Draft]:
    """Four drafts about a chapter of a source, another one for each number: more and more of it in bold and in bullets."""
    kind, thing = number // len(small_world.THINGS) % 2, small_world.THINGS[number % len(small_world.THINGS)]
    ids = tuple(small_world.highlight_id(thing, kind, place) for place in range(3))
    texts = []
    for bullets in range(4):
        lines = [library.sources.highlight(item).text for item in ids]
        texts.append(f"## Note {number}\n\n" + "\n".join(f"- **So.** {line}" if at < bullets else line for at, line in enumerate(lines)))
    order = random.Random(number).sample(range(4), 4)
    batch_id = library.drafts.new_batch()
    drafts = [
        Draft("", batch_id, f"readwise:b-{thing}", small_world.CHAPTERS[kind], "model-1", texts[place], at, 0, now(), highlight_ids=ids)
        for at, place in enumerate(order)
    ]
    return library.drafts.add(drafts)


def bullets(draft: Draft) -> int:
    return draft.text.count("- **")


def rank_all(library: Library, count: int, *, first: int = 0, at_random: bool = False) -> None:
    for number in range(first, first + count):
        drafts = batch(library, number)
        shuffled = random.Random(f"choice {number}").sample(drafts, len(drafts))
        ordered = shuffled if at_random else sorted(drafts, key=lambda draft: -bullets(draft))
        rank(library, batch_id=drafts[0].batch_id, order=[[draft.id] for draft in ordered])


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    made = small_world.build(library, tmp_path)
    small_world.base_model(library)
    return made


def test_labels_do_not_tell_what_was_judged_where_only_measuring_is_done(world: small_world.World) -> None:
    library = world.library
    rank_all(library, 12)
    whole = taste_of(library)
    assert labelling_taste(library) is whole  # nothing measures yet
    assign = {f"readwise:b-{thing}": "train" for thing in small_world.THINGS}
    library.db.set_state("splits", json.dumps({**assign, "readwise:b-rivers": "test", "readwise:b-looms": "valid"}))
    library.db.set_state("splits later", json.dumps({"known": {}, "held": {"readwise:b-bread": ["Beginnings"]}}))
    teaching = labelling_taste(library)
    gone = {batch for batch in library.drafts.all() if batch.source_id.removeprefix("readwise:b-") in ("rivers", "looms", "bread")}
    words = {word for draft in gone for word in (draft.id, draft.batch_id)}
    assert len(teaching.evidence) == 9 / 12 * len(whole.evidence)
    assert not [key for key in teaching.evidence if words & set(key.split())]
    assert set(teaching.evidence) == {key for key in whole.evidence if not words & set(key.split())}


def test_labels_do_not_tell_what_the_own_notes_of_measuring_sources_are_like(world: small_world.World) -> None:
    library = world.library
    library.db.set_state("splits", json.dumps({"readwise:b-rivers": "test"}))
    held = library.drafts.add(replace(draft, id="", text=f"{draft.text}So.\n", shown=False) for draft in batch(library, 0))
    assert {f"{draft.id} demonstration" for draft in held} <= set(taste_of(library).evidence)
    assert not labelling_taste(library).evidence


def test_nothing_is_trusted_without_choices(world: small_world.World) -> None:
    report = trust(world.library)
    assert [item.level for item in report.rewards] == ["nothing"] * 4
    assert "0 of the 10 choices" in report.of("taste").why
    assert not allowed(world.library, "taste", "order")
    with pytest.raises(Invalid, match="may not label pairs for training yet: it has been tried on 0 of the 10 choices"):
        require(world.library, "combination", "label")


def test_a_steady_taste_earns_the_right_to_order_but_not_to_label(world: small_world.World) -> None:
    rank_all(world.library, 9)
    assert not allowed(world.library, "taste", "order")
    rank_all(world.library, 7)  # the same chapters drafted and ranked again are no new questions
    assert trust(world.library).of("taste").lists == 9
    rank_all(world.library, 7, first=9)
    found = trust(world.library).of("taste")
    assert found.lists == 16
    assert found.accuracy > 0.85
    assert found.level == "order"
    assert allowed(world.library, "taste", "order")
    assert not allowed(world.library, "taste", "label")
    with pytest.raises(Invalid, match="to judge in your place it needs 150 choices"):
        require(world.library, "taste", "label")
    assert require(world.library, "taste", "order") == found


def test_choices_by_chance_earn_nothing(world: small_world.World) -> None:
    rank_all(world.library, 24, at_random=True)
    found = trust(world.library).of("taste")
    assert found.level == "nothing"
    assert found.low < 0.55


def test_the_report_is_kept_until_something_happens(world: small_world.World) -> None:
    assert set(world.library.trust().values()) == {"nothing"}
    rank_all(world.library, 3)
    first = trust(world.library)
    assert trust(world.library) == first
    assert world.library.trust()["taste"] == first.of("taste").level
    assert not world.library.trust_is_old()
    world.library.pairs.decide(world.library.pairs.all()[0].id, "rejected")
    undo(world.library)
    assert not world.library.trust_is_old(), "a pair is no judgement of drafts"
    undo(world.library)
    assert world.library.trust_is_old()
    second = trust(world.library)
    assert not world.library.trust_is_old()
    assert second.of("taste").lists == 2
    assert second.event > first.event
    assert trust(world.library, lag=0.5) == second


def test_only_names_that_exist(world: small_world.World) -> None:
    with pytest.raises(Invalid, match="no reward"):
        allowed(world.library, "charm", "order")
    with pytest.raises(Invalid, match="may do"):
        allowed(world.library, "taste", "publish")


def test_choices_are_rankings_acceptances_and_edits(world: small_world.World) -> None:
    library = world.library
    one, two, three = (batch(library, number) for number in range(3))
    rank(library, batch_id=one[0].batch_id, order=[[one[0].id], [one[1].id, one[2].id]], rejected=[one[3].id])
    decide(library, decision="accept", draft_id=one[0].id)  # the ranking has said it
    decide(library, decision="accept", draft_id=two[1].id)
    decide(library, decision="accept", draft_id=two[1].id)  # into another note as well: no second choice
    decide(library, decision="reject", draft_id=two[2].id)
    record_edit(library, draft_id=three[0].id, final_text=three[0].text + "\n\nA whole new thought of mine stands here.")
    record_edit(library, draft_id=three[1].id, final_text=three[1].text)
    found = choices(library)
    assert [(choice.event.kind, len(choice.pairs)) for choice in found] == [("ranking", 5), ("decision", 3), ("edit", 1)]
    assert found[2].pairs[0].edited
    assert trust(library).of("taste").lists == 2  # edits teach; what earns trust are choices between drafts


@pytest.mark.parametrize(
    ("shares", "level"),
    [
        ([1.0] * 9, "nothing"),
        ([1.0] * 10, "order"),
        ([0.5] * 100, "nothing"),
        ([0.6, 0.5] * 40, "nothing"),
        ([0.6, 0.7] * 40, "order"),
        ([0.6, 0.7] * 100, "label"),
        ([0.6, 0.6, 0.66] * 60, "order"),
    ],
)
def test_levels(shares: list[float], level: str) -> None:
    gaps = {str(at): [1.0] * round(100 * share) + [-1.0] * round(100 * (1 - share)) for at, share in enumerate(shares)}
    assert judge("taste", gaps).level == level


def test_the_interval_is_wide_for_few_lists_and_narrow_for_many() -> None:
    few, many = interval([0.8, 0.6] * 3), interval([0.8, 0.6] * 60)
    assert few[0] < many[0] < 0.7 < many[1] < few[1]
    assert interval([0.8, 0.6] * 3) == few


def test_a_combination_needs_two_and_weighs_them_alike() -> None:
    big, small = {"a": [100.0, -300.0], "b": [200.0]}, {"a": [0.3, 0.1], "c": [0.2]}
    assert combined([big]) == {}
    assert combined([big, {}]) == {}
    (gaps,) = combined([big, small]).values()
    assert gaps == pytest.approx([0.5 + 1.5, -1.5 + 0.5])


def test_a_neural_reward_is_trusted_by_its_own_unseen_lists(world: small_world.World) -> None:
    library = world.library
    rank_all(library, 12)
    checks = [
        {
            "list": choice.key,
            "chosen": text_key(pair.better_text),
            "rejected": text_key(pair.worse_text),
            "ensemble": 1.0,
            "embedding": -1.0,
        }
        for choice in choices(library)
        for pair in choice.pairs
    ]
    folder = library.home / "models" / "model-9"
    folder.mkdir(parents=True)
    (folder / "reward.json").write_text(json.dumps({"dealt": "question", "checks": checks[:-6], "held_out": checks[-6:]}), encoding="utf-8")
    library.models.add(Model("model-9", "base/none", "models/model-9", "reward", now()))
    report = trust(library)
    assert (report.of("ensemble").level, report.of("ensemble").lists, report.of("ensemble").version) == ("order", 12, "model-9")
    assert report.of("embedding").accuracy == 0.0
    assert report.of("combination").lists == 12
    rank_all(library, 1, first=12)
    assert trust(library).of("ensemble").lists == 12  # the new list was not judged by it
    (folder / "reward.json").write_text(json.dumps({"checks": checks[:-6], "held_out": checks[-6:]}), encoding="utf-8")
    rank_all(library, 1, first=13)
    assert trust(library).of("ensemble").lists == 1  # its members had seen the others' questions, for all that is known


@pytest.mark.parametrize("act", ["ranked", "ranked and accepted", "accepted and ranked", "accepted twice"])
def test_what_training_judged_is_found_whatever_was_done_with_a_batch(world: small_world.World, act: str) -> None:
    """The rows that a dataset derives and the lists by which trust is earned are the same pairs under the same names."""
    from notewright import datasets

    library = world.library
    for number in range(12):
        drafts = batch(library, number)
        for place, word in enumerate(act.split(" and ") if act != "accepted twice" else ("accepted", "accepted")):
            if word == "ranked":
                rank(library, batch_id=drafts[0].batch_id, order=[[draft.id] for draft in drafts])
            else:
                decide(library, decision="accept", draft_id=drafts[place].id)
    data = datasets.build(library, kind="preference")
    rows = [row for split in ("train", "valid", "test") for row in datasets.load(data, split)]
    sides = ("chosen", "rejected")
    checks = [
        {"list": list_key(row), **{side: text_key(row[side][0]["content"]) for side in sides}, "ensemble": 1.0, "embedding": 1.0}
        for row in rows
    ]
    folder = library.home / "models" / "model-9"
    folder.mkdir(parents=True)
    (folder / "reward.json").write_text(json.dumps({"dealt": "question", "checks": checks, "held_out": []}), encoding="utf-8")
    library.models.add(Model("model-9", "base/none", "models/model-9", "reward", now()))
    assert sum(len(choice.pairs) for choice in choices(library)) == len(rows)
    lists = 24 if act == "accepted twice" else 12
    assert {item.reward: item.lists for item in trust(library).rewards} == dict.fromkeys(REWARDS, lists)


@pytest.mark.parametrize("reward", ["ensemble", "embedding", "combination"])
def test_a_draft_too_long_for_the_reward_model_is_left_out_of_labelling(
    world: small_world.World, monkeypatch: pytest.MonkeyPatch, reward: str
) -> None:
    from types import SimpleNamespace

    from notewright import datasets
    from notewright.datasets import labelled
    from notewright.reward import judges, neural
    from notewright.reward.score import Score

    rank_all(world.library, 3)
    drafts, _ = batch(world.library, 20), batch(world.library, 21)
    long = {max(drafts, key=bullets).text}

    def seen(texts: list) -> list[bool]:
        return [text not in long for _, text in texts]

    def score(texts: list, *, part: str = "") -> list[Score]:
        assert all(seen(texts))
        return [Score(text.count("- **") - 1.5, 0.0) for _, text in texts]

    def opinions(texts: list) -> dict[str, list[list[float]]]:
        return {part: [[item.mean for item in score(texts)]] * 2 for part in neural.PARTS}

    judge = SimpleNamespace(sees=seen, score=score, opinions=opinions)
    monkeypatch.setattr(labelled, "require", lambda *_: None)
    monkeypatch.setattr(judges, "newest_reward", lambda _: object())
    monkeypatch.setattr(neural, "open_reward", lambda *_, **__: judge)
    dataset = datasets.build(world.library, kind="preference", label=reward)
    rows = [row for row in datasets.load(dataset, "train") if row["kind"] == "labelled"]
    assert rows
    assert not {row["chosen"][0]["content"] for row in rows} & long
    assert dataset.manifest["left_out"]["too long for the reward that labels"] == 1


def test_only_a_trusted_reward_labels_and_only_what_nobody_judged(world: small_world.World, monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright import datasets
    from notewright.reward import trust as trusting

    library = world.library
    rank_all(library, 14)
    fresh, cut = batch(library, 20), batch(library, 21)
    with pytest.raises(Invalid, match="to judge in your place it needs 150 choices"):
        datasets.build(library, kind="preference", label="taste")
    with pytest.raises(Invalid, match="There is no reward 'charm'"):
        datasets.build(library, kind="preference", label="charm")
    monkeypatch.setattr(trusting, "LABEL_LISTS", 12)
    rank_all(library, 1)
    dataset = datasets.build(library, kind="preference", label="taste")
    rows = [row for row in datasets.load(dataset, "train") if row["kind"] == "labelled"]
    assert 1 <= len(rows) <= 2
    for row in rows:
        assert row["chosen"][0]["content"].count("- **") > row["rejected"][0]["content"].count("- **")
        assert row["chosen"][0]["content"] in {draft.text for draft in (*fresh, *cut)}
    assert dataset.manifest["parameters"]["label"] == "taste"
    for prepared in (fresh, cut):  # as what was prepared ahead is, before somebody saw it
        library.db.connection.execute("INSERT INTO unseen VALUES (?)", (prepared[0].batch_id,))
    dataset = datasets.build(library, kind="preference", label="taste")
    assert "labelled" not in {row["kind"] for row in datasets.load(dataset, "train")}
