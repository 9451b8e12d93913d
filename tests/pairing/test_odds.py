"""Scores: fitting finds what made the data, and decisions shift the odds gently."""

from __future__ import annotations

import math
import random

import pytest

from notewright.pairing.odds import Correction, Odds, fit, fit_bend, fit_correction


def chance(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def test_fitting_finds_the_weights_that_made_the_data() -> None:
    rng = random.Random(3)
    rows = [{"a": rng.gauss(0, 1), "b": rng.uniform(0, 3)} for _ in range(6000)]
    truth = [rng.random() < chance(-1 + 2 * row["a"] - row["b"]) for row in rows]
    found = fit(rows, truth, Odds(0.0, {"a": 0.0, "b": 0.0}), ridge=1.0)
    assert found.bias == pytest.approx(-1, abs=0.2)
    assert found.weights == pytest.approx({"a": 2, "b": -1}, abs=0.15)


def test_fitting_does_not_run_away_where_a_few_are_right_and_the_prior_is_far_off() -> None:
    rng = random.Random(4)
    rows, truth = [], []
    for _ in range(4000):
        quoted = rng.random() < 0.1
        size = 9 + rng.choice((0, 1, 3))  # hardly varies: it stands in for the bias
        rows.append({"size": size, "quoted": rng.uniform(0.6, 1) if quoted else rng.uniform(0, 0.3), "rival": 0.0 if quoted else 0.6})
        truth.append(quoted and rng.random() < 0.97)
    found = fit(rows, truth, Odds(-4.0, {"size": -1.0, "quoted": 4.0, "rival": -5.0}), ridge=1.0)
    chances = [chance(found.odds(row)) for row in rows]
    error = -sum(math.log(item if right else 1 - item) for item, right in zip(chances, truth, strict=True)) / len(rows)
    assert error < 0.03


def test_the_bend_mends_scores_that_are_too_sure_at_one_end() -> None:
    rng = random.Random(6)
    rows = [{"a": rng.uniform(-6, 6)} for _ in range(8000)]
    real = Odds(0.0, {"a": 1.0}, (1.3, 0.3, 0.8))
    truth = [rng.random() < chance(real.odds(row)) for row in rows]
    straight = fit(rows, truth, Odds(0.0, {"a": 1.0}))
    bent = fit_bend(straight, rows, truth)

    def error(odds: Odds) -> float:
        return max(abs(chance(odds.odds({"a": at / 10})) - chance(real.odds({"a": at / 10}))) for at in range(-60, 60))

    assert error(bent) < 0.03 < 0.06 < error(straight)
    scores = [bent.odds({"a": at / 10}) for at in range(-80, 80)]
    assert scores == sorted(scores)
    assert Odds(0.5, {"a": 2.0}).odds({"a": 3.0}) == pytest.approx(6.5)


def test_a_feature_that_never_shows_keeps_its_prior() -> None:
    rows = [{"a": float(at % 2)} for at in range(100)]
    found = fit(rows, [at % 2 == 1 for at in range(100)], Odds(0.0, {"a": 0.0, "never": 6.0}))
    assert found.weights["never"] == 6.0
    assert found.weights["a"] > 1


def test_no_decisions_change_nothing_and_few_change_little() -> None:
    assert fit_correction([], []) == Correction()
    one = fit_correction([1.0], [False])
    assert -0.6 < one.shift < 0
    assert 0.7 < one.slope <= 1.0


def test_many_decisions_bring_the_scores_to_what_the_person_says() -> None:
    rng = random.Random(5)
    odds = [rng.uniform(-1, 4) for _ in range(300)]
    truth = [rng.random() < chance(item - 2) for item in odds]  # the scorer is too sure for this person
    found = fit_correction(odds, truth)
    before = sum(abs(chance(item) - chance(item - 2)) for item in odds)
    after = sum(abs(chance(found(item)) - chance(item - 2)) for item in odds)
    assert after < 0.35 * before


def test_the_correction_is_bounded_and_keeps_the_order() -> None:
    found = fit_correction([3.0] * 500, [False] * 500)
    assert found.shift >= -3
    assert 0.5 <= found.slope <= 2
    assert found(1.0) < found(2.0)
