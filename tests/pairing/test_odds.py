"""Scores: fitting finds what made the data, and decisions shift the odds gently."""

from __future__ import annotations

import math
import random

import pytest

from notewright.pairing.odds import Correction, Odds, fit, fit_correction


def chance(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def test_fitting_finds_the_weights_that_made_the_data() -> None:
    rng = random.Random(3)
    rows = [{"a": rng.gauss(0, 1), "b": rng.uniform(0, 3)} for _ in range(6000)]
    truth = [rng.random() < chance(-1 + 2 * row["a"] - row["b"]) for row in rows]
    found = fit(rows, truth, Odds(0.0, {"a": 0.0, "b": 0.0}), ridge=1.0)
    assert found.bias == pytest.approx(-1, abs=0.2)
    assert found.weights == pytest.approx({"a": 2, "b": -1}, abs=0.15)


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
