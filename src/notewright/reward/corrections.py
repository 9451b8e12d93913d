"""Beliefs that the person corrected: events, each replacing the prior of one feature; the last standing one counts.

Evidence that comes later can still move a corrected belief, as it moves any prior. Confirmed rules about a feature act the same way,
softer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..errors import Invalid
from ..records import Event
from .features import FEATURES, INDEX, NAMES
from .prior import COUNT
from .rules import confirmed_rules
from .scale import Scale

if TYPE_CHECKING:
    from ..library import Library

PREFERENCES = ("more", "less", "about", "indifferent")
CORRECTED, RULED = 1.0, 0.6  # utility for one spread of the feature; two drafts a spread apart: chosen 73 % and 65 % of the time
SURE = 0.25
INDIFFERENT = 0.05
NEARNESS = 0.1  # is left to those of whom more or less is wanted


def correct(library: Library, *, feature: str, prefer: str, value: float | None = None) -> Event:
    """Record that the person likes more or less of a feature, about a `value` of it (in its own unit), or does not care.

    Raises Invalid for an unknown feature or preference, and where the value is missing, not finite or not wanted.
    """
    problems = [] if feature in INDEX else [f"there is no feature {feature!r}"]
    problems += [] if prefer in PREFERENCES else [f"{prefer!r} is none of {', '.join(PREFERENCES)}"]
    if prefer == "about" and (value is None or not math.isfinite(value) or value < 0):
        problems.append("'about' needs a value, not below 0")
    if prefer != "about" and value is not None:
        problems.append(f"{prefer!r} takes no value")
    if problems:
        hint = "Say it like: --prefer more, --prefer less, --prefer about 4, --prefer indifferent"
        hint = hint if feature in INDEX else f"Features: {', '.join(NAMES)}"
        raise Invalid(f"That belief cannot be recorded: {'; '.join(problems)}.", hint, problems)
    return library.events.append("belief", feature, {"prefer": prefer, "value": value})


def corrections(library: Library) -> dict[str, Event]:
    """The standing correction of each corrected feature."""
    return {event.subject: event for event in library.events.standing("belief")}


def prior_changes(library: Library, scale: Scale) -> dict[int, tuple[float, float]]:
    """(mean, standard deviation) by coordinate of the basis, for every feature that a rule or a correction is about."""
    changes: dict[int, tuple[float, float]] = {}
    for rule in confirmed_rules(library):
        if rule.effect.get("feature") in INDEX and rule.effect.get("prefer") in PREFERENCES:
            changes |= _change(scale, str(rule.effect["feature"]), str(rule.effect["prefer"]), rule.effect.get("value"), RULED)
    for feature, event in corrections(library).items():
        if feature in INDEX:
            changes |= _change(scale, feature, str(event.payload.get("prefer")), event.payload.get("value"), CORRECTED)
    return changes


def _change(scale: Scale, feature: str, prefer: str, value: object, strength: float) -> dict[int, tuple[float, float]]:
    index = INDEX[feature]
    if prefer == "indifferent":
        return dict.fromkeys((index, COUNT + index, 2 * COUNT + index), (0.0, INDIFFERENT))
    if prefer == "about" and isinstance(value, int | float):
        z = scale.standard(index, float(value))
        return {index: (strength * z / math.sqrt(1 + z * z), SURE), COUNT + index: (strength, SURE)}  # the peak lies at z
    sign = 1.0 if prefer == "more" else -1.0
    return {index: (sign * strength, SURE), COUNT + index: (NEARNESS, SURE)}


assert len(FEATURES) == COUNT
