"""From evidence to a probability: small logistic models, and the person's own correction of them.

The coefficients were fitted on generated pairs of the "fit" books and the bundled sample, and printed, by

    python benchmarks/fit_pairing.py

`LINKED` scores quotations of a source that the note points at, `WORDS` telling words shared with one, `ALONE` quotations of any other.
With sentence embeddings, `BOTH` scores telling words and likeness in meaning, `MEANING` the likeness of what shares no telling words.
What the features mean is said where they are made, in `matching`. Reliability on held-out books and on real vaults: docs/pairing.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy


@dataclass(frozen=True, slots=True)
class Odds:
    """A logistic model over named features; a feature that a candidate lacks is 0.

    `bend` is beta calibration (Kull, Silva Filho and Flach, AISTATS 2017): with p the logistic chance, the odds are
    `a log p - b log(1 - p) + c`. The default (1, 1, 0) leaves them straight.
    """

    bias: float
    weights: Mapping[str, float]
    bend: tuple[float, float, float] = (1.0, 1.0, 0.0)

    def odds(self, features: Mapping[str, float]) -> float:
        low, high = _halves(self.bias + sum(weight * features.get(name, 0.0) for name, weight in self.weights.items()))
        return self.bend[0] * low + self.bend[1] * high + self.bend[2]


def _halves(odds: float) -> tuple[float, float]:
    """log p and -log(1 - p), whose sum are the odds."""
    low = -math.log1p(math.exp(-abs(odds))) + min(0.0, odds)
    return low, odds - low


@dataclass(frozen=True, slots=True)
class Correction:
    """What the decisions of one person say about the odds: `slope * odds + shift`. The default changes nothing."""

    slope: float = 1.0
    shift: float = 0.0

    def __call__(self, odds: float) -> float:
        return self.slope * odds + self.shift


# --- printed by benchmarks/fit_pairing.py ---
LINKED = Odds(
    -7.037,
    {
        "linked": 1.319,
        "quoted": 1.696,
        "most": 2.550,
        "run": 0.122,
        "nats": 1.654,
        "alike": 4.890,
        "picture": 9.010,
        "chapter": 1.027,
        "close": -0.083,
        "share": 6.153,
        "around": 4.519,
        "lead": -0.651,
        "length": -0.245,
        "order": 0.270,
        "support": -0.011,
        "rival": -4.205,
    },
    (0.716, 1.400, -0.802),
)
WORDS = Odds(
    -14.873,
    {
        "linked": 0.045,
        "chapter": 0.924,
        "close": 3.119,
        "share": 6.255,
        "around": 4.355,
        "lead": 1.478,
        "length": -0.638,
        "order": 0.672,
        "support": 0.286,
    },
    (1.285, 0.305, 0.848),
)
BOTH = Odds(
    -15.316,
    {
        "linked": 0.535,
        "chapter": 0.972,
        "close": 2.619,
        "share": 1.974,
        "around": 5.693,
        "lead": 1.490,
        "length": -0.906,
        "order": 0.596,
        "support": 0.367,
        "above": 8.240,
        "clear": 1.662,
    },
    (1.158, 0.632, 0.488),
)
MEANING = Odds(
    -9.228,
    {
        "chapter": 1.229,
        "support": 0.217,
        "above": 9.623,
        "clear": 7.826,
    },
    (1.180, 0.317, 0.732),
)
ALONE = Odds(
    -8.364,
    {
        "among": -0.605,
        "quoted": 2.444,
        "run": -0.021,
        "nats": 3.871,
        "picture": 9.000,
        "length": -1.517,
        "support": 0.403,
        "rival": -13.307,
    },
    (1.152, 0.969, 0.187),
)
# --- end ---


def fit(rows: Sequence[Mapping[str, float]], truth: Sequence[bool], prior: Odds, *, ridge: float = 1.0) -> Odds:
    """Maximum a posteriori logistic regression by Newton's method; Gaussian prior of precision `ridge` on the standardised weights.

    The weights are drawn towards those of `prior`, which stay as they are for features that the rows never show.
    """
    import numpy

    names = list(prior.weights)
    table = numpy.array([[row.get(name, 0.0) for name in names] for row in rows], dtype=float)
    wanted = numpy.array(truth, dtype=float)
    middle, spread = table.mean(axis=0), table.std(axis=0)
    spread[spread < 1e-9] = 1.0
    inputs = numpy.hstack([numpy.ones((len(table), 1)), (table - middle) / spread])
    penalty = numpy.full(inputs.shape[1], ridge)
    penalty[0] = 1e-6
    start = numpy.array([0.0, *(prior.weights[name] for name in names)]) * numpy.array([0.0, *spread])

    def loss(weights: numpy.ndarray) -> float:
        odds = inputs @ weights
        return float((numpy.logaddexp(0, odds) - wanted * odds).sum() + (penalty * (weights - start) ** 2).sum() / 2)

    weights = numpy.zeros(len(start))
    for _ in range(100):
        chance = 1 / (1 + numpy.exp(-numpy.clip(inputs @ weights, -30, 30)))
        gradient = inputs.T @ (wanted - chance) - penalty * (weights - start)
        curvature = (inputs * (chance * (1 - chance))[:, None]).T @ inputs + numpy.diag(penalty)
        step = numpy.linalg.solve(curvature, gradient)
        while loss(weights + step) > loss(weights) and numpy.abs(step).max() > 1e-8:
            step = step / 2  # a full step may overshoot to where the chances no longer bend
        weights += step
        if numpy.abs(step).max() < 1e-8:
            break
    slopes = weights[1:] / spread
    return Odds(float(weights[0] - slopes @ middle), {name: float(slope) for name, slope in zip(names, slopes, strict=True)})


def fit_bend(odds: Odds, rows: Sequence[Mapping[str, float]], truth: Sequence[bool]) -> Odds:
    """The same model with the bend that suits the rows best, drawn a little towards none. More evidence never counts for less."""
    halves = [_halves(odds.odds(row)) for row in rows]
    found = fit([{"low": low, "high": high} for low, high in halves], truth, Odds(0.0, {"low": 1.0, "high": 1.0}), ridge=1.0)
    return Odds(odds.bias, odds.weights, (max(0.0, found.weights["low"]), max(0.0, found.weights["high"]), found.bias))


def fit_correction(odds: Sequence[float], truth: Sequence[bool], *, doubt: float = 8.0) -> Correction:
    """Platt's correction of `odds` by decisions, shrunken towards none as if `doubt` decisions had agreed with the score at its own odds.

    The slope stays in [0.5, 2] and the shift in [-3, 3]: a handful of decisions must not turn the scorer round.
    """
    slope, shift = 1.0, 0.0
    for _ in range(50):
        d_slope, d_shift = -doubt * (slope - 1) / 2, -doubt * shift / 8
        h_ss, h_st, h_tt = doubt / 2, 0.0, doubt / 8
        for value, right in zip(odds, truth, strict=True):
            chance = 1 / (1 + math.exp(-max(-30.0, min(30.0, slope * value + shift))))
            off, bend = right - chance, max(1e-6, chance * (1 - chance))
            d_slope, d_shift = d_slope + off * value, d_shift + off
            h_ss, h_st, h_tt = h_ss + bend * value * value, h_st + bend * value, h_tt + bend
        scale = h_ss * h_tt - h_st * h_st
        step_slope, step_shift = (h_tt * d_slope - h_st * d_shift) / scale, (h_ss * d_shift - h_st * d_slope) / scale
        slope, shift = min(2.0, max(0.5, slope + step_slope)), min(3.0, max(-3.0, shift + step_shift))
        if abs(step_slope) + abs(step_shift) < 1e-7:
            break
    return Correction(round(slope, 4), round(shift, 4))
