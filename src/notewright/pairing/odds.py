"""From evidence to a probability: two small logistic models, and the person's own correction of them.

The coefficients were fitted on generated pairs of the "fit" books and the bundled sample, and printed, by

    python benchmarks/fit_pairing.py

`LINKED` scores highlights of a source that the note points at, `ALONE` those of any other. What the features mean is said where they are
made, in `matching`. Reliability on held-out books and on real vaults: docs/pairing.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Odds:
    """A logistic model over named features; a feature that a candidate lacks is 0."""

    bias: float
    weights: Mapping[str, float]

    def odds(self, features: Mapping[str, float]) -> float:
        return self.bias + sum(weight * features.get(name, 0.0) for name, weight in self.weights.items())


@dataclass(frozen=True, slots=True)
class Correction:
    """What the decisions of one person say about the odds: `slope * odds + shift`. The default changes nothing."""

    slope: float = 1.0
    shift: float = 0.0

    def __call__(self, odds: float) -> float:
        return self.slope * odds + self.shift


# --- printed by benchmarks/fit_pairing.py ---
LINKED = Odds(
    -7.417,
    {
        "linked": 1.613,
        "quoted": 5.182,
        "run": 0.268,
        "nats": 0.440,
        "alike": 4.913,
        "picture": 6.119,
        "chapter": 1.104,
        "close": 0.210,
        "share": 6.925,
        "around": 7.590,
        "lead": -0.343,
        "length": -0.343,
        "order": 0.482,
        "support": 0.045,
    },
)
ALONE = Odds(-8.890, {"among": -0.915, "quoted": 5.202, "run": 0.113, "nats": 3.624, "picture": 9.000, "length": -1.128, "support": 0.361})
# --- end ---


def fit(rows: Sequence[Mapping[str, float]], truth: Sequence[bool], prior: Odds, *, ridge: float = 10.0) -> Odds:
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
    weights = start.copy()
    for _ in range(60):
        chance = 1 / (1 + numpy.exp(-numpy.clip(inputs @ weights, -30, 30)))
        gradient = inputs.T @ (wanted - chance) - penalty * (weights - start)
        curvature = (inputs * (chance * (1 - chance))[:, None]).T @ inputs + numpy.diag(penalty)
        step = numpy.linalg.solve(curvature, gradient)
        weights += numpy.clip(step, -2, 2)
        if numpy.abs(step).max() < 1e-8:
            break
    slopes = weights[1:] / spread
    return Odds(float(weights[0] - slopes @ middle), {name: float(slope) for name, slope in zip(names, slopes, strict=True)})


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
