"""The yardstick: features standardised on the person's own finished notes, so that zero means "like my notes"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .features import FEATURES, Feature

ENOUGH = 3  # finished notes; below that the centre is the feature's usual value
TYPICAL = 4.0  # the usual spread counts like this many notes
FAR = 6.0  # standardised values end here: one absurd draft must not rule the fit
_QUARTILES = 1.349  # interquartile range of a normal distribution with standard deviation 1


@dataclass(frozen=True, slots=True)
class Scale:
    """Centre (median) and spread (interquartile range as a standard deviation) of each feature, counts as log(1 + value)."""

    centre: tuple[float, ...]
    spread: tuple[float, ...]
    notes: int

    def standardise(self, rows: Sequence[Sequence[float]]) -> Any:
        """(n, features) array of rows in spreads from the centre; what does not apply (NaN) is 0, beyond `FAR` is cut."""
        import numpy

        raw = numpy.array([row[: len(FEATURES)] for row in rows], dtype=float).reshape(len(rows), -1)
        logs = numpy.array([feature.log for feature in FEATURES])
        values = numpy.where(logs, numpy.log1p(numpy.maximum(raw, 0)), raw)
        return numpy.clip(numpy.nan_to_num((values - numpy.array(self.centre)) / numpy.array(self.spread), nan=0.0), -FAR, FAR)

    def standard(self, index: int, value: float) -> float:
        """One raw value of one feature, standardised."""
        feature = FEATURES[index]
        return (_transformed(feature, value) - self.centre[index]) / self.spread[index]

    def raw(self, index: int, standard: float) -> float:
        """The raw value at `standard` spreads from the centre."""
        value = self.centre[index] + standard * self.spread[index]
        return math.expm1(value) if FEATURES[index].log else value


def fit_scale(rows: Sequence[Sequence[float]]) -> Scale:
    """From the raw rows of finished notes; with few or none the table's usual values stand in."""
    centres, spreads = [], []
    for index, feature in enumerate(FEATURES):
        values = sorted(_transformed(feature, row[index]) for row in rows if not math.isnan(row[index]))
        enough = len(values) >= ENOUGH
        centres.append(_quantile(values, 0.5) if enough else _transformed(feature, feature.usual))
        own = (_quantile(values, 0.75) - _quantile(values, 0.25)) / _QUARTILES if enough else feature.spread
        weight = len(values) if enough else 0
        blend = math.sqrt((weight * own**2 + TYPICAL * feature.spread**2) / (weight + TYPICAL))
        spreads.append(max(blend, feature.spread / 2))
    return Scale(tuple(centres), tuple(spreads), len(rows))


def _transformed(feature: Feature, value: float) -> float:
    return math.log1p(max(value, 0.0)) if feature.log else value


def _quantile(values: Sequence[float], share: float) -> float:
    place = share * (len(values) - 1)
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])
