"""What the person likes, learnt from what they do.

features    interpretable measures of a draft against its highlights (`FEATURES` is the table); `shape` reads a text for them once
scale       the measures standardised on the person's own finished notes
prior       what it believes before any event
taste       the instant head: Bayesian Plackett-Luce over the features, Laplace posterior
evidence    what the events of one batch say; `corrections` and `rules` are what the person says outright
learner     taste_of(library): the head, kept up with the library click by click
beliefs     the head in words and as a plot
neural      [heavy] the trained reward model: an ensemble with scalar heads, and linear heads on frozen states
trust       what each reward may do, judged on lists that it has not seen (`lists`, `unseen`): ask `trust.allowed` before using one
"""

from .beliefs import Belief, beliefs, plot
from .corrections import PREFERENCES, correct
from .features import FEATURES, Feature, measure
from .learner import forget_taste, note_rows_of, taste_of, times_judged
from .prior import PRIOR, Prior
from .rows import draft_rows
from .rules import (
    Rule,
    add_rule,
    all_rules,
    check_rules,
    confirm_rule,
    confirmed_rules,
    edit_rule,
    propose_rules,
    remove_rule,
    rules_for_prompt,
)
from .scale import Scale, fit_scale
from .taste import Head, Stages, basis, edit, nudge, ranking, verdict, weighted

__all__ = [
    "FEATURES", "PREFERENCES", "PRIOR", "Belief", "Feature", "Head", "Prior", "Rule", "Scale", "Stages", "add_rule", "all_rules", "basis",
    "beliefs", "check_rules", "confirm_rule", "confirmed_rules", "correct", "draft_rows", "edit", "edit_rule", "fit_scale", "forget_taste",
    "measure", "note_rows_of", "nudge", "plot", "propose_rules", "ranking", "remove_rule", "rules_for_prompt", "taste_of",
    "times_judged", "verdict", "weighted",
]  # fmt: skip
