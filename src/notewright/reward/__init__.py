"""What the person likes, learnt from what they do.

features    interpretable measures of a draft against its highlights (`FEATURES` is the table)
shape       a text read once for all measures
scale       the measures standardised on the person's own finished notes
taste       the instant head: Bayesian Plackett-Luce over the features, Laplace posterior
"""

from .features import FEATURES, Feature, measure
from .scale import Scale, fit_scale
from .taste import PRIOR, Head, Prior, Stages, basis, edit, nudge, ranking, verdict, weighted

__all__ = [
    "FEATURES",
    "PRIOR",
    "Feature",
    "Head",
    "Prior",
    "Scale",
    "Stages",
    "basis",
    "edit",
    "fit_scale",
    "measure",
    "nudge",
    "ranking",
    "verdict",
    "weighted",
]
