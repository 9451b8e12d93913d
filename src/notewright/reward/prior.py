"""What the taste head believes before any event: independent normals for the coordinates of its basis.

One number a feature, how much readers care for it, sets all of them: length and callouts move people, the share of long words hardly.
The numbers were fitted to simulated readers who take no part in any reported figure (`benchmarks/taste_prior.py`), and hold for no one in
particular: what the person does moves them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .features import FEATURES

COUNT = len(FEATURES)
WIDTH = 3 * COUNT + 1  # features, nearness to the own notes, features by the kind of source, the bar
BAR = WIDTH - 1

LITTLE = 0.1  # utility of one spread of any feature not named here: its standard deviation over readers
CARE = {name: care for care, names in {
    0.4: "callouts",
    0.3: "words",
    0.25: "bullets quotes links",
    0.2: "headings heading_level nesting verbatim locations tags bold",
    0.15: "heading_depth numbered bullet_words paragraphs prose labels compression embeds sentence_words full_stops",
}.items() for name in names.split()}  # fmt: skip
NEAR_MEAN, NEAR_SD, SIDE_SD = 0.3, 0.8, 0.6  # of the other coordinates, as multiples of the feature's number
BAR_MEAN, BAR_SD = -1.0, 1.5


@dataclass(frozen=True, slots=True)
class Prior:
    """Independent normals for the coordinates of the basis."""

    mean: tuple[float, ...]
    sd: tuple[float, ...]

    def with_(self, changes: Mapping[int, tuple[float, float]]) -> Prior:
        """This prior with (mean, sd) of some coordinates replaced."""
        mean, sd = list(self.mean), list(self.sd)
        for index, (middle, width) in changes.items():
            mean[index], sd[index] = middle, width
        return Prior(tuple(mean), tuple(sd))


def prior_of(care: tuple[float, ...]) -> Prior:
    """The prior for readers who care so much for each feature."""
    none = (0.0,) * COUNT
    mean = (*none, *(NEAR_MEAN * value for value in care), *none, BAR_MEAN)
    return Prior(mean, (*care, *(NEAR_SD * value for value in care), *(SIDE_SD * value for value in care), BAR_SD))


PRIOR = prior_of(tuple(CARE.get(feature.name, LITTLE) for feature in FEATURES))
