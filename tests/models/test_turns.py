"""Turns in a library: who may write, what the faces are told, and what the taste head forgets."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

import small_world
from notewright import drafting, feedback, reward
from notewright.cli import main
from notewright.errors import NotFound
from notewright.library import Library
from notewright.library.database import now
from notewright.library.examples import CHANGED, NOTICED, from_pairs
from notewright.models import bandit, registry, turns
from notewright.models.bandit import Measured
from notewright.models.turns import changed_of, deny_change, next_turn, note_change, online
from notewright.records import Draft, Model
from notewright.reward.learner import forget_taste
from notewright.settings import save_settings
from small_world import ScriptedEngine, World, numbered


@pytest.fixture
def world(library: Library, tmp_path: Path) -> World:
    """Two versions of one base: model-2 is the current one, model-1 a contender."""
    made = small_world.build(library, tmp_path)
    first, second = small_world.base_model(library), small_world.base_model(library)
    registry.keep_contenders(library, {first.id: True}, beside=second.id)
    return made


def draft(world: World, **options: object) -> list[Draft]:
    asked = {"source": "rivers", "chapter": "Beginnings", "n": 3, "written": 6, "engine": ScriptedEngine(numbered), **options}
    return drafting.draft(world.library, settings=world.settings, **asked)


def judge(world: World, *accepted: bool, version: str = "model-2", source: str = "") -> None:
    """Without `source` each of the next one."""
    for good in accepted:
        turn = source or small_world.THINGS[world.library.events.last() % len(small_world.THINGS)]
        (item,) = draft(world, n=1, written=1, model_id=version, source=turn)
        feedback.decide(world.library, decision="accept" if good else "reject", draft_id=item.id)


def by_version(messages: object, seed: int) -> str:
    """Never the same text twice, so that the two versions of a duel differ."""
    by_version.calls += 1
    return numbered((), 10_000 + by_version.calls)


by_version.calls = 0


def duel(world: World, **options: object) -> list[Draft]:
    world = replace(world, settings=replace(world.settings, duels=0.5))
    for seed in range(50):
        if len(next_turn(world.library, settings=world.settings, seed=seed).versions) == 2:
            return draft(world, seed=seed, engine=ScriptedEngine(by_version), **options)
    raise AssertionError


def test_a_duel_mixes_two_versions_evenly_and_in_random_order(world: World) -> None:
    orders = set()
    for n, most in ((4, 2), (3, 2), (2, 1)):
        drafts = duel(world, n=n)
        writers = [item.model_id for item in drafts]
        assert len(drafts) == n
        assert max(map(writers.count, ("model-1", "model-2"))) == most
        everything = world.library.drafts.batch(drafts[0].batch_id, unshown=True)
        assert [item.model_id for item in everything].count("model-1") == 3 == len(everything) / 2
        assert sorted(item.sampling["written"] for item in everything) == list(range(6))
        assert sum(item.sampling["greedy"] for item in everything) == 2
        told = drafts[0].sampling["turn"]
        assert set(told["versions"]) == {"model-1", "model-2"}
        assert (told["propensity"], told["duels"], sum(told["chances"].values())) == (0.5, 0.5, pytest.approx(1))
        orders.add(tuple(writers))
    assert drafting.in_order(world.library, drafts) == drafts


def test_what_both_versions_wrote_is_no_duel(world: World) -> None:
    world = replace(world, settings=replace(world.settings, duels=0.5))
    seed = next(seed for seed in range(50) if len(next_turn(world.library, settings=world.settings, seed=seed).versions) == 2)
    drafts = draft(world, seed=seed)  # this engine writes the same for all versions
    assert len({item.model_id for item in drafts}) == 1
    assert len({item.text for item in drafts}) == len(drafts)


def test_a_named_version_writes_alone_and_one_candidate_is_no_duel(world: World) -> None:
    world = replace(world, settings=replace(world.settings, duels=0.5))
    for seed in range(12):
        assert {item.model_id for item in draft(world, model_id="model-1", seed=seed, n=2, written=2)} == {"model-1"}
        assert len(draft(world, n=1, written=2, seed=seed)) == 1


def test_the_faces_are_told_how_the_duels_went(world: World) -> None:
    library = world.library
    for _ in range(3):
        drafts = duel(world)
        best = next(item for item in drafts if item.model_id == "model-1")
        feedback.rank(library, batch_id=drafts[0].batch_id, order=[[best.id]], best_only=True)
    for seed in range(3):
        feedback.decide(library, decision="accept", draft_id=draft(world, model_id="model-2", seed=seed)[0].id)
    now = online(library, settings=world.settings)
    (rate,) = now.win_rates
    assert (rate.first, rate.second, rate.duels, rate.rate) == ("model-1", "model-2", 3, 1.0)
    assert 0.2 < rate.low < 0.6 < rate.high == pytest.approx(1, abs=0.001)
    assert [(item.version, item.batches, item.cost) for item in now.standings] == [("model-2", 3, 0.0), ("model-1", 0, None)]
    assert now.standings[0].chance > 0.5
    assert (now.duels, now.drift) == (0.12, None)
    assert online(library, settings=replace(world.settings, duels=0.0)).duels == 0.0


def test_a_change_of_the_person_weakens_what_the_taste_head_learnt_before(world: World) -> None:
    library = world.library
    judge(world, *[True] * 12)
    before = {key: sum(stages.weights) for key, stages in reward.taste_of(library).evidence.items()}
    judge(world, *[False] * 10)
    found = online(library, settings=world.settings).drift
    assert found is not None
    assert (found.what, found.before, found.after) == ("edit cost", 0.0, 1.0)
    assert library.db.get_state(CHANGED) == ""  # only looked at so far
    draft(world)
    assert library.db.get_state(CHANGED) == found.at
    after = {key: sum(stages.weights) for key, stages in reward.taste_of(library).evidence.items()}
    decided = [key for key in before if key.endswith("decided")]
    assert len(decided) == 12
    assert all(after[key] == pytest.approx(before[key] / 4) for key in decided)
    forget_taste(library)
    anew = {key: sum(stages.weights) for key, stages in reward.taste_of(library).evidence.items()}
    assert {key: anew[key] for key in decided} == {key: after[key] for key in decided}


def test_after_a_change_prompts_have_examples_until_held_out_work_says_otherwise(world: World) -> None:
    library = world.library
    library.models.set_metrics("model-2", {"examples": False})
    for accepted in (True,) * 12 + (False,) * 10:
        assert drafting.taught_examples(library, library.models.get("model-2")) == 0
        judge(world, accepted)
    assert draft(world)[0].sampling["examples"] == 2
    noticed = library.db.get_state(NOTICED)
    registry.keep_contenders(library, {"model-1": False}, beside="model-2", asked_at=now())  # measured since
    assert [drafting.taught_examples(library, library.models.get(version)) for version in ("model-1", "model-2")] == [0, 2]
    judge(world, *[True] * 12)  # what is done about it helps
    next_turn(library, settings=world.settings, seed=1)
    assert library.db.get_state(NOTICED) == noticed
    assert drafting.taught_examples(library, library.models.get("model-2")) == 2
    third = library.models.add(Model(library.models.new_id(), "base/none", "", "policy", now()))
    library.models.promote(third.id, "better on held-out work", examples=False)
    registry.rollback(library)  # by hand, unmeasured
    assert drafting.taught_examples(library, library.models.get("model-2")) == 2


def test_a_duel_whose_versions_write_the_same_is_asked_no_other_way(world: World) -> None:
    broken = ScriptedEngine(lambda *_: "## Note\n- In 1999 it rained.\n")
    settings = replace(world.settings, duels=0.5)
    seed = next(seed for seed in range(50) if len(next_turn(world.library, settings=settings, seed=seed).versions) == 2)
    (item,) = draft(replace(world, settings=settings), seed=seed, engine=broken)
    assert item.problems
    assert {len(call["messages"]) for call in broken.calls} == {len(item.messages)}


def test_what_was_measured_before_a_change_of_the_person_has_no_say(world: World) -> None:
    library = world.library

    def chance() -> float:
        return next(item.chance for item in online(library, settings=world.settings).standings if item.version == "model-1")

    plain = chance()
    registry.keep_contenders(library, {"model-1": True}, beside="model-2", asked_at=now(), measured={"model-1": Measured(-0.3, 0.05)})
    assert chance() > 0.8 > plain
    library.db.set_state(CHANGED, now())
    library.db.set_state(NOTICED, now())
    assert chance() == plain
    registry.keep_contenders(library, {"model-1": True}, beside="model-2", asked_at=now(), measured={"model-1": Measured(-0.3, 0.05)})
    assert chance() > 0.8


def test_a_bad_version_that_was_tried_and_left_is_no_change_of_the_person(world: World) -> None:
    library = world.library
    judge(world, *[True] * 20)
    registry.use(library, "model-1")
    judge(world, *[False] * 9, version="model-1")
    assert note_change(library)[1] is not None
    registry.rollback(library)
    assert (note_change(library)[1], library.db.get_state(CHANGED)) == (None, "")


def test_one_hard_book_is_no_change_of_the_person(world: World) -> None:
    judge(world, *[True] * 20)
    judge(world, *[False] * 10, source="rivers")
    assert note_change(world.library)[1] is None
    judge(world, *[False] * 8)
    assert note_change(world.library)[1] is not None


def test_what_lies_before_all_that_is_remembered_stays_known(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    judge(world, *[True] * 12, *[False] * 10)
    note_change(world.library)
    known = world.library.db.get_state(CHANGED)
    monkeypatch.setattr(turns, "REMEMBERED", 10)
    judge(world, *[True] * 11)
    assert note_change(world.library)[1] is None
    assert world.library.db.get_state(CHANGED) == known != ""


def test_judgements_taken_back_and_made_again_do_not_ask_for_another_measurement(world: World) -> None:
    library = world.library
    judge(world, *[True] * 12, *[False] * 8)
    note_change(library)
    noticed = library.db.get_state(NOTICED)
    taken = 0
    while library.db.get_state(CHANGED):
        feedback.undo(library, settings=world.settings)
        note_change(library)
        taken += 1
    judge(world, *[False] * taken)
    assert note_change(library)[1] is not None
    assert library.db.get_state(NOTICED) == noticed != ""


def test_older_feedback_that_comes_from_elsewhere_is_no_change(world: World, tmp_path: Path) -> None:
    with Library.create(tmp_path / "other") as other:  # from before, on a machine with a plain base
        elsewhere = small_world.build(other, tmp_path / "two")
        small_world.base_model(other)
        for thing in small_world.THINGS[:10]:
            asked = {"source": thing, "chapter": "Beginnings", "n": 1, "written": 1, "engine": ScriptedEngine(numbered)}
            (item,) = drafting.draft(other, settings=elsewhere.settings, **asked)
            feedback.decide(other, decision="reject", draft_id=item.id)
        lines = list(feedback.export_feedback(other))
    judge(world, *[True] * 20)
    feedback.import_feedback(world.library, lines)
    assert note_change(world.library)[1] is None


def test_older_judgements_that_come_in_push_no_newer_ones_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    judge(world, *[True] * 6)
    monkeypatch.setattr(turns, "REMEMBERED", 12)
    before = online(world.library, settings=world.settings).standings
    [decision] = world.library.events.all("decision", newest=1)
    for number in range(20):
        payload = {**decision.payload, "batch": f"batch-old-{number}"}
        world.library.events.append("decision", f"draft-old-{number}", payload, at=f"2024-01-01T00:00:{number:02}+00:00")
    after = online(world.library, settings=world.settings).standings
    assert sum(item.batches for item in before) == 6
    assert sum(item.batches for item in after) >= 6
    assert turns.remembered(world.library)[-1].at == decision.at


def test_drafts_judged_long_after_they_were_put_in_order_do_not_surprise(world: World) -> None:
    bits = [0.3, 0.5] * 12 + [1.0] * 10
    times = [f"2026-01-01T00:{at:02}" for at in range(len(bits))]
    history = [bandit.Outcome(f"b{at}", at, time, "model-2", None, value) for at, (time, value) in enumerate(zip(times, bits, strict=True))]
    assert changed_of(world.library, history) is not None  # drafted, for all that is known, when they were judged
    for item in history[-10:]:
        made = Draft("", item.batch, "readwise:b-rivers", "", "model-2", "Text.", 0, 1, times[0])
        world.library.drafts.add([made])
    assert changed_of(world.library, history) is None


def test_a_change_that_the_person_denies_is_none_until_they_take_that_back(world: World) -> None:
    library = world.library
    with pytest.raises(NotFound, match="No change"):
        deny_change(library)
    judge(world, *[True] * 12, *[False] * 10)
    note_change(library)
    before = library.db.get_state(CHANGED), library.db.get_state(NOTICED)
    found = deny_change(library)
    assert (library.db.get_state(CHANGED), online(library, settings=world.settings).drift) == ("", None)
    assert not any(example.former for example in from_pairs(library))
    lines = list(feedback.export_feedback(library))
    feedback.undo(library, settings=world.settings)
    assert (library.db.get_state(CHANGED), library.db.get_state(NOTICED)) == before  # at once, and not only when something is drafted
    assert any(example.former for example in from_pairs(library))
    assert note_change(library)[1] == found
    feedback.undo(library, settings=world.settings)  # a judgement
    assert feedback.import_feedback(library, lines).known == len(lines)
    deny_change(library)
    judge(world, *[True] * 12)
    assert note_change(library)[1] is None
    judge(world, *[False] * 10)
    assert note_change(library)[1] is not None


INVENTED = "## Note\n- In 1999 it rained.\n"


class Versions:
    """Engines of which each version's writes what `texts` says of it, else something new every time; `asked` are the versions, in turn."""

    def __init__(self, **texts: str) -> None:
        self.texts, self.asked = {name.replace("_", "-"): text for name, text in texts.items()}, []

    def get(self, library: Library, model: Model, *, device: str) -> ScriptedEngine:
        self.asked.append(model.id)
        return ScriptedEngine(lambda messages, seed: self.texts.get(model.id) or by_version(messages, seed))


def turn_of(world: World, *versions: str) -> int:
    """A seed with which just these write, and the second of two versions as the first one."""
    return next(seed for seed in range(200) if next_turn(world.library, settings=world.settings, seed=seed).versions == versions)


def test_where_all_that_a_version_writes_has_problems_the_base_stands_in(world: World) -> None:
    library = world.library
    engines = Versions(model_2=INVENTED)
    drafts = draft(world, seed=turn_of(world, "model-2"), engine=None, engines=engines)
    assert engines.asked == ["model-2", "model-2", "model-1"]  # first the other way, without examples
    assert [(item.model_id, item.problems) for item in drafts] == [("model-1", ())] * 3
    assert drafts[0].sampling["turn"]["versions"] == drafts[0].sampling["turn"]["failed"] == ["model-2"]
    stored = library.drafts.batch(drafts[0].batch_id, unshown=True)
    assert [item.text for item in stored if item.model_id == "model-2"] == [INVENTED]  # kept, and not shown
    feedback.decide(library, decision="accept", draft_id=drafts[0].id)
    (outcome,) = bandit.outcomes(library.events.standing("decision"))
    assert (outcome.version, outcome.cost, outcome.duel) == ("model-2", 0.0, None)
    named = Versions(model_2=INVENTED)
    assert draft(world, model_id="model-2", engine=None, engines=named)[0].problems  # who names a version gets what it writes
    assert set(named.asked) == {"model-2"}


def test_in_a_duel_a_version_that_fails_has_lost(world: World) -> None:
    library, world = world.library, replace(world, settings=replace(world.settings, duels=0.5))
    engines = Versions(model_1=INVENTED)
    drafts = draft(world, seed=turn_of(world, "model-1", "model-2"), n=4, engine=None, engines=engines)
    assert engines.asked == ["model-1", "model-2"]
    assert [(item.model_id, item.problems) for item in drafts] == [("model-2", ())] * 3
    assert {item.model_id for item in library.drafts.batch(drafts[0].batch_id, unshown=True)} == {"model-1", "model-2"}
    feedback.decide(library, decision="accept", draft_id=drafts[0].id)
    (rate,) = online(library, settings=world.settings).win_rates
    assert (rate.first, rate.second, rate.duels, rate.rate) == ("model-1", "model-2", 1, 0.0)


@pytest.mark.parametrize("first", ["model-1", "model-2"])
def test_of_two_that_wrote_much_alike_all_is_shown_and_none_compared(world: World, first: str) -> None:
    library, world = world.library, replace(world, settings=replace(world.settings, duels=0.5))
    second = "model-1" if first == "model-2" else "model-2"
    given = {first: itertools.cycle(map(numbered, [()] * 2, (1, 2))), second: itertools.cycle(map(numbered, [()] * 4, (1, 2, 3, 4)))}

    class Alike(Versions):
        def get(self, library: Library, model: Model, *, device: str) -> ScriptedEngine:
            return ScriptedEngine(lambda messages, seed: next(given[model.id]))

    drafts = draft(world, seed=turn_of(world, first, second), n=4, written=8, engine=None, engines=Alike())
    assert {item.text for item in drafts} == {numbered((), seed) for seed in (1, 2, 3, 4)}
    feedback.decide(library, decision="accept", draft_id=drafts[0].id)
    (outcome,) = bandit.outcomes(library.events.standing("decision"))
    assert (outcome.version, outcome.duel) == ("", None)


def test_of_two_that_wrote_the_same_problem_neither_has_won(world: World) -> None:
    library, world = world.library, replace(world, settings=replace(world.settings, duels=0.5))
    engines = Versions(model_1=INVENTED, model_2=INVENTED)
    drafts = draft(world, seed=turn_of(world, "model-1", "model-2"), engine=None, engines=engines)
    assert sorted(drafts[0].sampling["turn"]["failed"]) == ["model-1", "model-2"]
    feedback.decide(library, decision="accept", draft_id=drafts[0].id)
    (outcome,) = bandit.outcomes(library.events.standing("decision"))
    assert (outcome.duel, outcome.won) == (None, None)


def test_nobody_stands_in_where_it_is_said_how_to_ask(world: World) -> None:
    engines = Versions(model_2=INVENTED)
    assert {item.model_id for item in draft(world, seed=turn_of(world, "model-2"), examples=0, engine=None, engines=engines)} == {"model-2"}


def test_no_face_tells_who_wrote_which_of_a_duel(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    save_settings(world.settings)
    drafts = duel(world, n=2)
    ((batch,), _) = world.library.browse.batches()
    assert batch.model_id == "model-1 and model-2"
    for subject in (drafts[0].id, drafts[0].batch_id):
        assert main(["--home", str(world.library.home), "drafts", "show", subject]) == 0
        assert "model-" not in capsys.readouterr().out
    (alone,) = draft(world, n=1, model_id="model-2")
    assert main(["--home", str(world.library.home), "drafts", "show", alone.id]) == 0
    assert f"{alone.id}  model-2" in capsys.readouterr().out


def test_where_both_versions_of_a_duel_fail_the_base_stands_in_and_neither_has_won(world: World) -> None:
    library, world = world.library, replace(world, settings=replace(world.settings, duels=0.5))
    base = library.models.get("model-1")
    for version in ("model-3", "model-4"):
        library.models.add(replace(base, id=version, role="policy"))
    library.models.promote("model-3", "test")
    registry.keep_contenders(library, {"model-4": False}, beside="model-3")
    engines = Versions(model_3=INVENTED, model_4="## Note\n- In 1888 it snowed.\n")
    drafts = draft(world, seed=turn_of(world, "model-3", "model-4"), engine=None, engines=engines)
    assert engines.asked == ["model-3", "model-4", "model-1"]
    assert [(item.model_id, item.problems) for item in drafts] == [("model-1", ())] * 3
    feedback.decide(library, decision="accept", draft_id=drafts[0].id)
    (outcome,) = bandit.outcomes(library.events.standing("decision"))
    assert (outcome.version, outcome.duel, outcome.won) == ("", None, None)


def test_beside_one_draft_without_problems_the_base_offers_others(world: World) -> None:
    class Once(Versions):
        """The greedy one is fit to be shown."""

        def get(self, library: Library, model: Model, *, device: str) -> ScriptedEngine:
            self.asked.append(model.id)
            tuned = model.id == "model-2"
            return ScriptedEngine(lambda messages, seed: INVENTED if tuned and seed != -1 else numbered((), seed))

    engines = Once()
    drafts = draft(world, seed=turn_of(world, "model-2"), engine=None, engines=engines)
    assert engines.asked == ["model-2", "model-2", "model-1"]
    assert sorted(item.model_id for item in drafts) == ["model-1", "model-1", "model-2"]
    assert "failed" not in drafts[0].sampling["turn"]
    best = next(item for item in drafts if item.model_id == "model-1")
    feedback.decide(world.library, decision="accept", draft_id=best.id)
    (outcome,) = bandit.outcomes(world.library.events.standing("decision"))
    assert (outcome.version, outcome.cost, outcome.duel) == ("model-2", 0.0, None)
