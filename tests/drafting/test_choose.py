"""The choice of what is shown: its rule, its propensities against repeated choices, and how many are shown."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, replace

import numpy as np
import pytest

from notewright import feedback
from notewright.drafting import Option, choose, in_order, shown_count
from notewright.library import Library
from notewright.library.database import now
from notewright.records import Draft
from notewright.reward import Head, fit_scale
from notewright.reward.features import INDEX
from notewright.reward.taste import COUNT
from notewright.reward.trust import RewardTrust, TrustReport

SCALE = fit_scale([])
WORDS = ["rivers", "looms", "bread", "moss", "bells", "moths", "peat", "maps", "salt", "tides"]


def options(count: int, *, seed: int = 0) -> list[Option]:
    random = np.random.default_rng(seed)
    made = []
    for number in range(count):
        row = tuple(max(SCALE.raw(index, value), 0.0) for index, value in enumerate(random.normal(size=COUNT)))
        made.append(Option(f"{WORDS[number]} " * 12, row))
    return made


@pytest.fixture
def head() -> Head:
    return Head(SCALE).fit()


def test_few_candidates_are_all_shown_best_first(head: Head) -> None:
    given = options(3)
    choice = choose(head, given, n=4, seed=1)
    scores = [choice.places[index].score for index in choice.order]
    assert sorted(choice.order) == [0, 1, 2]
    assert scores == sorted(scores, reverse=True)
    assert [place.propensity for place in choice.places] == [1, 1, 1]
    assert choice.draws == 0


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_logged_propensities_are_how_often_each_is_shown(head: Head, n: int) -> None:
    given = options(6)
    shown: Counter[int] = Counter()
    logged = np.zeros(6)
    rounds = 160
    for seed in range(rounds):
        choice = choose(head, given, n=n, seed=seed)
        assert len(choice.order) == n
        shown.update(choice.order)
        logged += [place.propensity for place in choice.places]
    assert logged / rounds == pytest.approx(np.array([shown[index] / rounds for index in range(6)]), abs=0.12)
    assert logged.sum() / rounds == pytest.approx(n, abs=1e-6)


def test_the_random_place_gives_everyone_a_chance(head: Head) -> None:
    given = options(6)
    worst = [*SCALE.centre]
    given[5] = replace(given[5], row=tuple(max(SCALE.raw(index, 6.0), 0.0) for index in range(COUNT)))
    assert len(worst) == COUNT
    assert choose(head, given, n=3, seed=0).places[5].propensity > 0.15


def test_the_same_seed_makes_the_same_choice(head: Head) -> None:
    assert choose(head, options(8), n=3, seed=5) == choose(head, options(8), n=3, seed=5)
    assert len({choose(head, options(8), n=3, seed=seed).order for seed in range(20)}) > 3


def test_what_is_alike_is_not_shown_twice(head: Head) -> None:
    given = options(4)
    twins = [replace(given[0], text=given[0].text + "too") for _ in range(4)]
    for seed in range(20):
        choice = choose(head, [*given, *twins], n=3, seed=seed)
        assert len({min(index, 0 if index >= 4 else index) for index in choice.order}) == 3
    reasons = {place.why for place in choice.places}
    assert "too like one that is shown" in reasons or 0 not in choice.order


def test_candidates_that_differ_along_an_axis_are_preferred(head: Head) -> None:
    base = options(1)[0].row
    longer = list(base)
    longer[INDEX["words"]] = base[INDEX["words"]] * 4 + 50
    given = [Option(f"{word} " * 12, base) for word in WORDS[:5]] + [Option("tides " * 12, tuple(longer))]
    for seed in range(10):
        choice = choose(head, given, n=2, seed=seed)
        assert 5 in choice.order
        assert choice.places[choice.order[1]].differs == ("length",)


def test_temperature_and_model_version_are_axes(head: Head) -> None:
    base = options(1)[0]
    given = [base, replace(base, text="b " * 9, temperature=0.8), replace(base, text="c " * 9, model="model-2")]
    choice = choose(head, given, n=3, seed=0)
    found = {axis for place in choice.places for axis in place.differs}
    assert found == {"temperature", "model version"}


def test_problems_are_dropped_and_the_least_bad_stand_in(head: Head) -> None:
    given = options(5)
    some = [replace(item, problems=number % 3) for number, item in enumerate(given)]  # 0 1 2 0 1
    assert set(choose(head, some, n=3, seed=0).order) == {0, 3}
    all_bad = [replace(item, problems=number + 1) for number, item in enumerate(given)]
    assert set(choose(head, all_bad, n=3, seed=0).order) == {0, 1, 2}
    one = [replace(item, problems=0 if number == 4 else 2) for number, item in enumerate(given)]
    assert choose(head, one, n=3, seed=0).order == (4, 0)
    assert choose(head, one, n=1, seed=0).order == (4,)


def test_what_was_set_aside_joins_where_there_would_not_be_two_to_compare(head: Head) -> None:
    given = options(5)
    two = [replace(item, aside=number > 1) for number, item in enumerate(given)]
    assert set(choose(head, two, n=3, seed=0).order) == {0, 1}
    one = [replace(item, aside=number > 0, problems=number == 1) for number, item in enumerate(given)]
    assert set(choose(head, one, n=3, seed=0).order) == {0, 2}
    assert choose(head, one, n=1, seed=0).order == (0,)
    assert choose(head, one, n=3, seed=0).places[3].why == "those asked for otherwise agree more"


@pytest.mark.parametrize(
    ("accepted", "judged", "expected"), [(0, 0, 3), (9, 9, 3), (0, 10, 4), (2, 10, 4), (3, 10, 3), (5, 10, 3), (6, 10, 2), (10, 10, 2)]
)
def test_fewer_are_shown_as_acceptance_rises(library: Library, accepted: int, judged: int, expected: int) -> None:
    for number in range(judged):
        batch = {"batch": f"batch-{number}"}
        library.events.append("ranking", f"batch-{number}", batch)
        if number < accepted:
            library.events.append("decision", f"draft-{number}", {"decision": "accept", **batch})
    assert shown_count(library) == expected


def test_an_accepted_draft_that_was_edited_does_not_count(library: Library) -> None:
    for number in range(12):
        batch = {"batch": f"batch-{number}"}
        library.events.append("edit", f"draft-{number}", {"distance": 0.2, **batch})
        library.events.append("decision", f"draft-{number}", {"decision": "accept", **batch})
    assert shown_count(library) == 4


def test_an_accepted_draft_that_was_then_rejected_does_not_count(library: Library) -> None:
    for number in range(12):
        for decision in ("accept", "reject"):
            library.events.append("decision", f"draft-{number}", {"decision": decision, "batch": f"batch-{number}"})
    assert shown_count(library) == 4


def test_a_head_that_has_not_earned_trust_orders_nothing(head: Head) -> None:
    assert choose(head, options(3), n=4, seed=1, trusted=False).order == (0, 1, 2)
    shown: Counter[int] = Counter()
    for seed in range(120):
        choice = choose(head, options(6), n=3, seed=seed, trusted=False)
        assert list(choice.order) == sorted(choice.order)
        shown.update(choice.order)
    assert [shown[index] / 120 for index in range(6)] == pytest.approx([0.5] * 6, abs=0.15)
    assert "not earned trust" in choice.places[choice.order[0]].why or "random" in choice.places[choice.order[0]].why


def test_a_batch_written_before_the_newest_choices_is_ordered_by_them_once_trusted(library: Library) -> None:
    def batch() -> list[Draft]:
        with library.db.write():
            name = library.drafts.new_batch()
            return library.drafts.add(
                Draft("", name, "", "", "model-1", text, place, place, now())
                for place, text in enumerate(["One plain sentence about rivers.", "- one\n- two\n- three\n- four about rivers"])
            )

    waiting = batch()
    for _ in range(15):
        prose, bullets = batch()
        feedback.rank(library, batch_id=prose.batch_id, order=[[bullets.id], [prose.id]])
    assert in_order(library, waiting) == waiting
    report = TrustReport(now(), 0, "", (RewardTrust("taste", 15, 0.9, 0.8, 1.0, "order"),))
    library.db.set_state("trust", json.dumps(asdict(report)))
    assert in_order(library, waiting) == waiting[::-1]
    broken = [waiting[0], replace(waiting[1], problems=("no end",))]
    assert in_order(library, broken) == broken
