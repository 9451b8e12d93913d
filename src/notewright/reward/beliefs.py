"""What the head believes, in words and as a plot: computed from the posterior and the person's own notes."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .corrections import corrections
from .features import ASPECTS, FEATURES, Feature
from .learner import taste_of
from .prior import COUNT
from .scale import Scale
from .taste import Head

if TYPE_CHECKING:
    from ..library import Library

SURE, LEANING = 0.95, 0.8  # chance that the direction is right
MIDDLE = 0.674  # half of a normal distribution lies within so many standard deviations
RARE = 0.05


@dataclass(frozen=True, slots=True)
class Belief:
    """One feature. `prefer`: more, less (than the own notes have) or like mine; `low` to `high` is liked best, in the feature's unit.

    `slope` is the utility of one spread more, `deviation` its standard deviation; `sure`: sure, leaning or unsure.
    """

    feature: str
    aspect: str
    unit: str
    prefer: str
    low: float
    high: float
    slope: float
    deviation: float
    sure: str
    corrected: bool
    sentence: str


def beliefs(library: Library) -> list[Belief]:
    """Every feature, what is surest and matters most first."""
    said = corrections(library)
    return of_head(
        taste_of(library), corrected=said, about={name for name, event in said.items() if event.payload.get("prefer") == "about"}
    )


def of_head(head: Head, *, corrected: Collection[str] = (), about: Collection[str] = ()) -> list[Belief]:
    """The same of any fitted head; `corrected` features come first, and of those in `about` it says what number is liked best."""
    deviations = [math.sqrt(value) for value in head.covariance.diagonal()]
    found = [_belief(head, index, deviations, (name := FEATURES[index].name) in corrected, name in about) for index in range(COUNT)]
    rank = {"sure": 0, "leaning": 1, "unsure": 2}
    return sorted(found, key=lambda item: (not item.corrected, rank[item.sure], -abs(item.slope)))


def _belief(head: Head, index: int, deviations: list[float], corrected: bool, about: bool) -> Belief:
    feature = FEATURES[index]
    slope, nearness = float(head.mean[index]), float(head.mean[COUNT + index])
    sided = _normal(abs(slope) / deviations[index])
    peaked = _normal(nearness / deviations[COUNT + index])
    peak = slope / math.sqrt(nearness**2 - slope**2) if nearness > abs(slope) else math.copysign(3.0, slope)
    prefer = "like mine" if abs(peak) < MIDDLE and nearness > 0 else "more" if slope > 0 else "less"
    chance = peaked if prefer == "like mine" else sided
    sure = "sure" if chance >= SURE else "leaning" if chance >= LEANING else "unsure"
    low, high = (max(head.scale.raw(index, max(min(peak, 3.0), -3.0) + step), 0.0) for step in (-MIDDLE, MIDDLE))
    if feature.unit == "share":
        low, high = min(low, 1.0), min(high, 1.0)
    number = max(head.scale.raw(index, peak), 0.0) if about and nearness > abs(slope) else None
    sentence = _sentence(feature, head.scale, index, prefer, low, high, number) + _aside(head, 2 * COUNT + index, deviations)
    sentence = f"{sentence[:-1]}; {sure})" if sentence.endswith(")") else f"{sentence} ({sure})"
    return Belief(feature.name, feature.aspect, feature.unit, prefer, low, high, slope, deviations[index], sure, corrected, sentence)


def _aside(head: Head, index: int, deviations: list[float]) -> str:
    """Where the wants for books and for the rest surely differ."""
    tilt = float(head.mean[index])
    if _normal(abs(tilt) / deviations[index]) < SURE:
        return ""
    return ", wanted more for books than elsewhere" if tilt > 0 else ", wanted less for books than elsewhere"


def _sentence(feature: Feature, scale: Scale, index: int, prefer: str, low: float, high: float, number: float | None = None) -> str:
    own = max(scale.raw(index, 0.0), 0.0)
    usual = f"{'your notes have' if scale.notes else 'the usual is'} {feature.told(_number(feature, own))}"
    if number is not None:
        return f"{feature.name}: about {feature.told(_number(feature, number))} ({usual})"
    if prefer == "like mine":
        if high < RARE or (own < RARE and low < RARE):
            return f"{feature.name}: rarely, as in your notes" if scale.notes else f"{feature.name}: rarely"
        ends = dict.fromkeys(_number(feature, end) for end in (low, high))
        told = f"{feature.name}: {feature.told(' to '.join(ends))}"
        return f"{told}, as in your notes" if scale.notes else told
    if own < RARE and prefer == "less":
        return f"{feature.name}: none, or as few as can be"
    return f"{feature.name}: {prefer} ({usual})"


def _number(feature: Feature, value: float) -> str:
    if feature.unit == "share":
        return f"{value:.0%}"
    return f"{value:.0f}" if value >= 10 or (feature.log and value >= 3) else f"{value:.1f}".removesuffix(".0")


def _normal(value: float) -> float:
    return (1 + math.erf(value / math.sqrt(2))) / 2


def plot(library: Library, path: Path) -> Path:
    """Draw every feature's slope with its 95 % interval, by aspect, as a PNG. Returns the path."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    found = {item.feature: item for item in beliefs(library)}
    figure, panels = pyplot.subplots(1, len(ASPECTS), figsize=(13, 5.2), sharex=True)
    for panel, aspect in zip(panels, ASPECTS, strict=True):
        items = sorted((item for item in found.values() if item.aspect == aspect), key=lambda item: item.slope)
        for place, item in enumerate(items):
            colour = {"sure": "#1b5e20", "leaning": "#558b2f", "unsure": "#9e9e9e"}[item.sure]
            reach = 1.96 * item.deviation
            panel.plot([item.slope - reach, item.slope + reach], [place, place], color=colour, linewidth=2)
            panel.plot(item.slope, place, marker="D" if item.corrected else "o", color=colour, markersize=6)
        panel.axvline(0, color="#cccccc", linewidth=1, zorder=0)
        names = [item.feature.replace("_", " ") + (" *" if item.corrected else "") for item in items]
        panel.set_yticks(range(len(items)), names, fontsize=9)
        panel.set_title(aspect, fontsize=11)
        for side in ("top", "right", "left"):
            panel.spines[side].set_visible(False)
        panel.tick_params(axis="y", length=0)
    head = taste_of(library)
    figure.suptitle(
        f"What is liked: less \N{LEFTWARDS ARROW} | \N{RIGHTWARDS ARROW} more than in the own notes ({head.scale.notes} of them)"
    )
    figure.supxlabel("utility of one spread more, with 95 % interval; green: sure or leaning; * corrected by hand", fontsize=9)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", dpi=110)  # by its own name, whatever that ends in
    pyplot.close(figure)
    return path
