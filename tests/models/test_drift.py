"""Whether the person changed: what is a change, when it is noticed, and what only looks like one."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from notewright.models.bandit import Outcome
from notewright.models.drift import Drift, changes, drift


def cost(mean: float, rng: random.Random) -> float:
    """A third are taken as they are, some not at all, the rest cost something."""
    drawn = rng.random()
    return 0.0 if drawn < 0.3 else 1.0 if drawn > 0.9 else min(1.0, max(0.0, rng.gauss(1.5 * mean, 0.1)))


def history_of(costs: Sequence[float], versions: Sequence[str]) -> list[Outcome]:
    return [Outcome(f"b{at}", at, "", version, cost) for at, (cost, version) in enumerate(zip(costs, versions, strict=True))]


def each(values: Sequence[float]) -> list[str]:
    """A source of its own for each."""
    return [f"source-{at}" for at in range(len(values))]


def test_another_version_that_costs_more_is_no_change_of_the_person() -> None:
    rng, means = random.Random(5), {"model-1": 0.15, "model-2": 0.45}
    for versions in (["model-1"] * 40 + ["model-2"] * 40, ["model-1"] * 40 + ["model-1", "model-2"] * 40):
        assert drift(history_of([cost(means[version], rng) for version in versions], versions)) is None


def test_a_change_is_noticed_though_new_versions_write_from_then_on() -> None:
    rng = random.Random(2)
    before, after = [rng.uniform(0, 0.2) for _ in range(20)], [rng.uniform(0.3, 0.7) for _ in range(10)]
    found = drift(history_of([*before, *after], ["model-1"] * 20 + ["model-2", "model-2", "model-3"] * 3 + ["model-2"]))
    assert found is not None
    assert 18 <= found.event <= 21


def test_a_change_stays_known_when_what_is_done_about_it_helps_and_a_second_one_is_found() -> None:
    rng = random.Random(4)
    costs = [rng.uniform(0, 0.1) for _ in range(20)] + [rng.uniform(0.3, 0.6) for _ in range(9)]
    first = drift(history_of(costs, ["model-1"] * 29))
    assert first is not None
    costs += [rng.uniform(0, 0.1) for _ in range(60)]
    later = drift(history_of(costs, ["model-1"] * 89))
    assert later is not None
    assert (later.event, later.before) == (first.event, first.before)
    costs += [rng.uniform(0.3, 0.6) for _ in range(12)]
    again = drift(history_of(costs, ["model-1"] * 101))
    assert again is not None
    assert 87 <= again.event <= 90


def test_what_was_found_stays_however_long_the_history_grows() -> None:
    rng = random.Random(8)
    values = [rng.uniform(0.1, 0.5) for _ in range(120)] + [rng.uniform(0.4, 0.8) for _ in range(320)]
    first = next(count for count in range(120, 160) if changes(values[:count], ["model-1"] * count, each(values[:count]), least=0.15))
    found = [changes(values[:count], ["model-1"] * count, each(values[:count]), least=0.15)[0] for count in range(first, 440, 7)]
    assert set(found) == {found[0]}


def test_false_alarms_are_rare_though_one_looks_after_every_batch() -> None:
    rng = random.Random(0)
    series = [[math.sqrt(cost(0.3, rng)) for _ in range(200)] for _ in range(40)]
    turns = [str(at // 20 + rng.randrange(3)) for at in range(200)]
    for versions in (["model-1"] * 200, turns):
        assert sum(bool(changes(values, versions, each(values), least=0.15)) for values in series) <= 3


def test_a_taste_head_that_is_suddenly_wrong_is_a_change() -> None:
    rng = random.Random(1)
    bits = [max(0.0, rng.gauss(0.6, 0.25)) for _ in range(50)] + [max(0.0, rng.gauss(1.4, 0.4)) for _ in range(20)]
    found = drift([Outcome(f"b{at}", at, "", "model-1", None, value) for at, value in enumerate(bits)])
    assert found is not None
    assert (found.what, 46 <= found.event <= 54) == ("surprise", True)


def test_a_hard_book_is_no_change_and_several_sources_that_cost_more_are_one() -> None:
    rng = random.Random(3)

    def chapters(mean: float, count: int) -> list[float]:
        return [min(1.0, max(0.0, rng.gauss(mean, 0.1))) for _ in range(count)]

    usual = [(f"usual-{book}", cost) for book in range(6) for cost in chapters(0.2, 8)]
    hard = [("hard", cost) for cost in chapters(0.5, 20)]
    later = [(f"later-{book}", cost) for book in range(4) for cost in chapters(0.5, 4)]

    def found(costs: list[tuple[str, float]]) -> Drift | None:
        return drift([Outcome(f"b{at}", at, "", "model-1", cost, source=source) for at, (source, cost) in enumerate(costs)])

    assert found(usual + hard) is None
    assert found(usual + hard + usual) is None
    seen = found(usual + later)
    assert seen is not None
    assert 45 <= seen.event <= 50
    begun = [("long", cost) for cost in chapters(0.2, 20)]
    seen = found(begun + [("long", cost) for cost in chapters(0.5, 12)])
    assert seen is not None
    assert 17 <= seen.event <= 22


def test_false_alarms_are_rare_where_the_chapters_of_a_book_are_alike() -> None:
    rng, alarms = random.Random(0), 0
    for _ in range(40):
        costs: list[float] = []
        sources: list[str] = []
        while len(costs) < 120:
            book = rng.gauss(0.25, 0.1)
            for _ in range(max(1, round(rng.expovariate(1 / 12)))):
                costs.append(math.sqrt(min(1.0, max(0.0, rng.gauss(book, 0.11)))))
                sources.append(str(book))
        alarms += bool(changes(costs, ["model-1"] * len(costs), sources, least=0.15))
    assert alarms <= 4
