"""Which version writes: simulated persons with known costs, and what events say about batches."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from statistics import fmean

import pytest

from notewright.models.bandit import Measured, Outcome, interval, outcomes, standings, turn, win_rates
from notewright.models.drift import drift
from notewright.records import Event

BATCHES = 150
Cost = Callable[[int, random.Random], float]


def usual(mean: float) -> Cost:
    """A third are taken as they are, some not at all, the rest cost something."""

    def cost(_: int, rng: random.Random) -> float:
        drawn = rng.random()
        return min(1.0, max(0.0, 0.0 if drawn < 0.3 else 1.0 if drawn > 0.9 else rng.gauss(1.5 * mean, 0.1)))

    expected = fmean(cost(0, random.Random(number)) for number in range(2000))
    return lambda at, rng: min(1.0, max(0.0, cost(at, rng) + mean - expected))


def live(
    costs: dict[str, Cost], *, seed: int, duels: float = 0.0, batches: int = BATCHES, measured: dict[str, Measured] | None = None
) -> tuple[list[Outcome], list[str]]:
    """A person's history under the bandit, and who wrote what."""
    rng, history, writers = random.Random(seed), [], []
    for at in range(batches):
        found = turn(history, list(costs), drift(history), measured, duels=duels, seed=1000 * seed + at)
        writers.append("+".join(found.versions))
        if len(found.versions) == 1:
            history.append(Outcome(f"batch-{at}", at, "", found.versions[0], costs[found.versions[0]](at, rng)))
    return history, writers


def share(lives: list[tuple[list[Outcome], list[str]]], version: str, *, last: int = BATCHES) -> float:
    """How often, over several lives, the version wrote one of the last batches."""
    return fmean(writer == version for _, writers in lives for writer in writers[-last:])


def test_a_better_version_comes_to_write_and_regret_stays_below_that_of_the_current_one_alone() -> None:
    lives = [live({"model-1": usual(0.5), "model-2": usual(0.3)}, seed=seed) for seed in range(4)]
    assert share(lives, "model-1") < 0.35  # the regret, as a share of what the current one alone would have
    assert share(lives, "model-2", last=50) > 0.8


def test_a_worse_version_costs_little_and_an_equal_one_nothing() -> None:
    lives = [live({"model-1": usual(0.3), "model-2": usual(0.5)}, seed=seed) for seed in range(4)]
    assert share(lives, "model-2") < 0.12
    equal = [live({"model-1": usual(0.4), "model-2": usual(0.4)}, seed=seed) for seed in range(3)]
    assert share(equal, "model-1") > 0.45  # the current one is preferred if anything
    assert fmean(item.cost or 0.0 for history, _ in equal for item in history) == pytest.approx(0.4, abs=0.06)


def test_what_held_out_work_measured_decides_who_writes_at_first_and_is_outweighed_by_what_drafts_cost() -> None:
    costs = {"model-1": usual(0.4), "model-2": usual(0.2)}
    told = {"model-2": Measured(-0.2, 0.08)}
    without, measured = ([live(costs, seed=seed, batches=15, measured=known) for seed in range(12)] for known in (None, told))
    assert share(measured, "model-2", last=15) > share(without, "model-2", last=15) + 0.1
    worse = [live(costs, seed=seed, batches=15, measured={"model-2": Measured(0.1, 0.05)}) for seed in range(12)]
    assert share(worse, "model-2", last=15) < share(without, "model-2", last=15)
    wrong = [live({"model-1": usual(0.3), "model-2": usual(0.5)}, seed=seed, measured=told) for seed in range(4)]
    assert share(wrong, "model-2", last=75) < 0.12


def test_a_surer_measurement_counts_for_more_and_the_current_versions_own_for_nothing() -> None:
    def chance(difference: float, error: float, version: str = "model-2") -> float:
        return standings([], ["model-1", "model-2"], None, {version: Measured(difference, error)})[1].chance

    unknown = standings([], ["model-1", "model-2"])[1].chance
    assert chance(-0.1, 0.02) > chance(-0.1, 0.1) > chance(-0.1, 1.0) > unknown
    assert chance(-0.1, 0.02, "model-1") == unknown


def test_after_a_change_of_the_person_the_other_version_takes_over() -> None:
    turns_at = 80
    before, after = (usual(0.2), usual(0.4)), (usual(0.7), usual(0.3))
    costs: dict[str, Cost] = {
        "model-1": lambda at, rng: (before if at < turns_at else after)[0](at, rng),
        "model-2": lambda at, rng: (before if at < turns_at else after)[1](at, rng),
    }
    lives = [live(costs, seed=seed, batches=160) for seed in range(6)]
    assert fmean(writer == "model-1" for _, writers in lives for writer in writers[40:turns_at]) > 0.7
    assert fmean(writer == "model-2" for _, writers in lives for writer in writers[-40:]) > 0.7


def test_a_change_shortens_the_memory() -> None:
    rng, cost = random.Random(3), usual(0.25)
    history = [Outcome(f"b{at}", at, "", "model-1", cost(at, rng)) for at in range(60)]
    history += [Outcome(f"b{at}", at, "", "model-1", 0.9) for at in range(60, 75)]
    found = drift(history)
    assert found is not None
    assert found.what == "edit cost"
    assert 55 <= found.event <= 63
    assert found.before < 0.4 < 0.8 < found.after
    assert drift(history[:60]) is None
    history += [Outcome(f"b{at}", at, "", "model-2", 0.4) for at in range(75, 78)]
    quick = standings(history, ["model-1", "model-2"], found)[1].chance
    assert quick > 0.6 > standings(history, ["model-1", "model-2"])[1].chance


def test_about_one_draft_in_eight_is_a_duel_in_random_order_and_propensities_are_those_of_the_draw() -> None:
    turns = [turn([], ["model-1", "model-2", "model-3"], duels=0.12, seed=seed) for seed in range(1200)]
    duels = [found for found in turns if len(found.versions) == 2]
    assert 0.10 <= len(duels) / len(turns) <= 0.15
    assert all("model-1" in found.versions and found.propensity == pytest.approx(0.06) for found in duels)
    assert 0.4 < fmean(found.versions[0] == "model-1" for found in duels) < 0.6
    alone = {version: [found for found in turns if found.versions == (version,)] for version in ("model-1", "model-2", "model-3")}
    assert sum(found[0].propensity for found in alone.values()) == pytest.approx(0.88)
    for found in alone.values():
        assert len(found) / len(turns) == pytest.approx(found[0].propensity, abs=0.045)
    assert alone["model-1"][0].propensity > alone["model-2"][0].propensity == pytest.approx(alone["model-3"][0].propensity)


def test_with_one_version_or_without_duels_one_writes() -> None:
    assert turn([], ["model-1"], duels=0.12, seed=1).versions == ("model-1",)
    assert turn([], ["model-1"], duels=0.12, seed=1).propensity == 1.0
    assert all(len(turn([], ["model-1", "model-2"], duels=0.0, seed=seed).versions) == 1 for seed in range(50))
    assert turn([], ["model-1", "model-2"], duels=0.1, seed=4) == turn([], ["model-1", "model-2"], duels=0.1, seed=4)


@pytest.mark.parametrize(("rate", "count"), [(0.0, 4), (0.5, 20), (0.7, 60), (1.0, 9)])
def test_the_interval_holds_the_rate_and_narrows(rate: float, count: int) -> None:
    low, high = interval(rate * count, count)
    assert 0 <= low <= rate <= high <= 1
    wider = interval(rate * count / 4, count // 4 or 1) if count > 4 else (0.0, 1.0)
    assert high - low < wider[1] - wider[0]


def test_the_interval_misses_seldom_however_often_one_looks() -> None:
    missed = 0
    for seed in range(60):
        rng, won = random.Random(seed), 0
        for count in range(1, 61):
            won += rng.random() < 0.6
            if count % 4 == 0:
                low, high = interval(won, count)
                if not low <= 0.6 <= high:
                    missed += 1
                    break
    assert missed / 60 <= 0.1


def event(number: int, kind: str, subject: str, models: Sequence[str] = ("model-1",) * 2, **payload: object) -> Event:
    shown = [
        {"draft": f"draft-{place}", "model": model, "sampling": {"selection": {"score": float(-place), "deviation": 0.0}}}
        for place, model in enumerate(models)
    ]
    return Event(number, kind, f"at {number}", subject, {"batch": "batch-1", "shown": shown, **payload})


@pytest.mark.parametrize(
    ("events", "cost"),
    [
        ([event(1, "decision", "draft-0", decision="accept")], 0.0),
        ([event(1, "decision", "draft-0", decision="accept"), event(2, "edit", "draft-0", distance=0.3)], 0.3),
        ([event(1, "edit", "draft-0", distance=0.3), event(2, "edit", "draft-0", distance=0.5)], 0.5),
        ([event(1, "edit", "draft-0", distance=0.9, deleted=True)], 1.0),
        ([event(1, "decision", "batch-1", decision="reject_all")], 1.0),
        ([event(1, "decision", "draft-0", decision="reject")], None),
        ([event(1, "decision", f"draft-{place}", decision="reject") for place in (0, 1)], 1.0),
        ([event(1, "ranking", "batch-1", order=[], rejected=["draft-0", "draft-1"])], 1.0),
        ([event(1, "ranking", "batch-1", order=[["draft-0"], ["draft-1"]], rejected=[])], None),
        (
            [
                event(1, "ranking", "batch-1", order=[], rejected=["draft-0", "draft-1"]),
                event(2, "ranking", "batch-1", order=[["draft-0"], ["draft-1"]]),
            ],
            None,
        ),
    ],
)
def test_what_a_batch_cost(events: list[Event], cost: float | None) -> None:
    (found,) = outcomes(events)
    assert (found.version, found.event, found.cost, found.duel) == ("model-1", 1, cost, None)


TWO = ("model-2", "model-1")


@pytest.mark.parametrize(
    ("events", "won"),
    [
        ([event(1, "ranking", "batch-1", TWO, order=[["draft-1"], ["draft-0"]], rejected=[])], 1.0),
        ([event(1, "ranking", "batch-1", TWO, order=[["draft-0"]], rejected=["draft-1"])], 0.0),
        ([event(1, "ranking", "batch-1", TWO, order=[["draft-0", "draft-1"]], rejected=[])], 0.5),
        ([event(1, "decision", "batch-1", TWO, decision="reject_all")], None),
        ([event(1, "ranking", "batch-1", TWO, order=[["draft-0"]], rejected=[])], None),
        (
            [
                event(1, "ranking", "batch-1", TWO, order=[["draft-1"], ["draft-0"]], rejected=[]),
                event(2, "decision", "draft-0", TWO, decision="accept"),
            ],
            0.0,
        ),
    ],
)
def test_who_won_a_duel(events: list[Event], won: float | None) -> None:
    (found,) = outcomes(events)
    assert (found.duel, found.won, found.cost, found.version) == (("model-1", "model-2"), won, None, "")
    rates = win_rates([found])
    assert [(rate.first, rate.second, rate.duels, rate.rate) for rate in rates] == (
        [("model-1", "model-2", 1, won)] if won is not None else []
    )


def asked(found: Event, versions: list[str], failed: Sequence[str] = ()) -> Event:
    """The same judgement of a batch in which a base stood in, or a version of a duel failed."""
    for item in found.payload["shown"]:
        item["sampling"]["turn"] = {"versions": versions, **({"failed": list(failed)} if failed else {})}
    return found


@pytest.mark.parametrize(
    ("shown", "versions", "failed", "taken", "said"),
    [
        (("model-1", "model-1"), ["model-2"], ["model-2"], 0, ("model-2", 0.0, None, None)),  # the base stood in for it
        (("model-2", "model-1"), ["model-2"], [], 1, ("model-2", 0.0, None, None)),  # and beside it
        (("model-2", "model-2"), ["model-2", "model-1"], ["model-1"], 0, ("", None, ("model-1", "model-2"), 0.0)),
        (("model-1", "model-1"), ["model-2", "model-1"], ["model-2"], 0, ("", None, ("model-1", "model-2"), 1.0)),
        (("model-2", "model-1"), ["model-2", "model-1"], ["model-1"], 1, ("", None, ("model-1", "model-2"), 1.0)),  # taken with its problem
        (("model-3", "model-2"), ["model-2", "model-1"], ["model-1"], 0, ("", None, ("model-1", "model-2"), None)),  # the base won
        (("model-3", "model-3"), ["model-2", "model-1"], ["model-1", "model-2"], 0, ("", 0.0, None, None)),
        (("model-1", "model-1"), ["model-2", "model-1"], [], 0, ("model-1", 0.0, None, None)),  # both had written the same
    ],
)  # fmt: skip
def test_what_comes_of_a_batch_with_help_is_whose_turn_it_was(
    shown: tuple[str, ...], versions: list[str], failed: list[str], taken: int, said: tuple[object, ...]
) -> None:
    (found,) = outcomes([asked(event(1, "decision", f"draft-{taken}", shown, decision="accept"), versions, failed)])
    assert (found.version, found.cost, found.duel, found.won) == said


def test_surprise_is_what_the_choice_told_a_head_that_had_not_seen_it() -> None:
    (expected,) = outcomes([event(1, "decision", "draft-0", decision="accept")])
    (against,) = outcomes([event(1, "decision", "draft-1", decision="accept")])
    assert expected.surprise == pytest.approx(math.log2(1 + math.exp(-1)))
    assert against.surprise == pytest.approx(math.log2(1 + math.exp(1)))
