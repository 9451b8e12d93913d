"""Simulated readers: seeded, as consistent as they say, and with wants that the style features cannot see."""

from __future__ import annotations

import math
import random
import statistics
from dataclasses import replace

import pytest

from notewright.evaluation.readers import FAMILIES, MEASURES, SEEN, UNSEEN, Item, Judge, candidates, draw_reader, home_style, near
from notewright.records import Highlight, Prompt, Source
from notewright.seedling.styles import DIGEST

WORDS = ("first", "second", "third", "fourth", "fifth")
PLACES = [
    Highlight(
        f"The {word} river carries {number} tons of silt to the plain. It leaves them there for a thousand years.", id=word,
        annotation=f"Silt {word}" if number % 2 else "", location=number, location_type="page", is_favorite=number == 3, tags=("water",),
    )
    for number, word in enumerate(WORDS, 1)
]  # fmt: skip
PROMPTS = [
    Prompt(Source("Rivers", author="A", kind=kind, tags=("mud",)), tuple(PLACES[start : start + 3]), chapter="Mud")
    for kind in ("book", "article") for start in (0, 1, 2)
]  # fmt: skip


def pool(seed: int = 0, count: int = 12) -> list[Item]:
    rng = random.Random(seed)
    return [item for prompt in PROMPTS for item in candidates(prompt, DIGEST, rng, count=count)]


@pytest.mark.parametrize("family", [*FAMILIES, "drifting"])
def test_readers_are_the_same_again_and_three_in_ten_of_their_wants_are_hidden(family: str) -> None:
    reader = draw_reader(family, 7)
    assert reader == draw_reader(family, 7)
    assert reader != draw_reader(family, 8)
    wanted = {want.measure for want in reader.wants}
    assert len(wanted & UNSEEN.keys()) == round(len(wanted & SEEN.keys()) * 3 / 7)


def test_hidden_wants_carry_three_tenths_of_the_variance() -> None:
    items = pool()
    judge = Judge(draw_reader("mixed", 1), items)
    seen, unseen = (statistics.pvariance([judge.utility(item, measures=tuple(side)) for item in items]) for side in (SEEN, UNSEEN))
    assert unseen / (seen + unseen) == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("consistency", [0.7, 0.81, 0.9])
def test_readers_agree_with_themselves_as_often_as_they_say(consistency: float) -> None:
    items = pool()
    judge = Judge(draw_reader("mixed", 2, consistency=consistency), items)
    rng = random.Random(0)
    agreed = 0
    for _ in range(3000):
        pair = rng.sample(items, 2)
        agreed += judge.rank(pair, rng) == judge.rank(pair, rng)
    assert agreed / 3000 == pytest.approx(consistency, abs=0.03)


def test_flips_turn_a_quarter_of_the_pairs() -> None:
    items = pool()
    judge = Judge(replace(draw_reader("mixed", 2, consistency=0.999), flips=0.25), items)
    rng = random.Random(0)
    wrong = total = 0
    for _ in range(2000):
        one, other = rng.sample(items, 2)
        if abs(judge.utility(one) - judge.utility(other)) > 1:
            best = [one, other][judge.rank([one, other], rng)[0]]
            wrong += judge.utility(best) < max(judge.utility(one), judge.utility(other))
            total += 1
    assert wrong / total == pytest.approx(0.25, abs=0.04)


def test_the_indifferent_want_nothing_and_the_drifting_change() -> None:
    items = pool()
    assert {Judge(draw_reader("indifferent", 0), items).utility(item) for item in items} == {0.0}
    drifting = Judge(draw_reader("drifting", 0), items)
    assert [drifting.utility(item, at=39) for item in items] == [drifting.utility(item) for item in items]
    assert [drifting.utility(item, at=40) for item in items] != [drifting.utility(item) for item in items]


def test_candidates_differ_and_are_near_home() -> None:
    rng = random.Random(0)
    assert near(DIGEST, rng, 0.0) == DIGEST
    items = candidates(PROMPTS[0], DIGEST, rng, count=16)
    assert len({item.text for item in items}) == 16
    style = home_style(draw_reader("format", 0), PROMPTS[:2], rng, drawn=8)
    assert style != DIGEST


def test_every_measure_tells_some_texts_apart() -> None:
    items = pool(count=40)
    assert [name for name, measure in MEASURES.items() if len({measure(item) for item in items}) < 2] == []


@pytest.mark.parametrize("measure", sorted(MEASURES))
@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_draft_can_be_judged(measure: str, text: str) -> None:
    assert math.isfinite(MEASURES[measure](Item(Prompt(Source("A book"), ()), text)))
