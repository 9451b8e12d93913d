"""A curve as SVG that takes the colours of the page it stands in, light or dark."""

from __future__ import annotations

import io
import threading
from datetime import datetime
from typing import Any

from ..clock import day_in_words, local
from .curve import Curve

# What matplotlib draws with, and what takes its place: the page's own colours.
COLOURS = {"#123456": "var(--ink)", "#123457": "var(--soft)", "#123458": "var(--good)", "#123459": "var(--line)"}
INK, SOFT, GOOD, LINE = COLOURS
NAMES = ' xmlns="http://www.w3.org/2000/svg" version="1.1"'  # HTML knows them
CHANCE = "place"  # the curve of which one half is what chance would give
_DRAWING = threading.Lock()  # matplotlib's settings are the whole process's, and a server draws in several threads


def svg(curve: Curve, *, label: str) -> str:
    """A dot for each value, and, unless there are too few, the means of whole weeks with their intervals. Needs at least one value."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.dates import date2num
    from matplotlib.figure import Figure

    look: dict[Any, Any] = {
        "svg.fonttype": "none", "svg.hashsalt": curve.name, "font.family": "sans-serif", "font.size": 9, "text.color": INK,
        "axes.edgecolor": LINE, "xtick.color": SOFT, "ytick.color": SOFT,
    }  # fmt: skip
    with _DRAWING, matplotlib.rc_context(look):
        figure = Figure(figsize=(4.2, 2.5), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        days = [float(date2num(datetime.fromisoformat(at))) for at, _ in curve.values]
        axes.scatter(days, [value for _, value in curve.values], s=16, color=SOFT, alpha=0.4, linewidths=0)
        if curve.name == CHANCE:
            axes.axhline(0.5, color=LINE, linestyle="--", linewidth=1)
        if not curve.why_not:
            middles = [(_day(item.first) + _day(item.last) + 1) / 2 for item in curve.stretches]
            means = [item.value for item in curve.stretches]
            for at, mean in zip(middles, means, strict=True):
                if mean.low is not None and mean.high is not None:
                    axes.vlines(at, mean.low, mean.high, color=GOOD, linewidth=1.2)
            axes.plot(middles, [mean.mean or 0.0 for mean in means], color=GOOD, marker="o", markersize=4)
        axes.set_ylim(-0.04, 1.04)
        axes.set_yticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
        ends = [min(days)] if max(days) - min(days) < 1 else [min(days), max(days)]
        axes.set_xticks(ends, [day_in_words(curve.values[0][0]), day_in_words(curve.values[-1][0])][: len(ends)])
        for text, side in zip(axes.get_xticklabels(), ("left", "right"), strict=False):
            text.set(horizontalalignment=side)
        axes.spines[["top", "right"]].set_visible(False)
        written = io.StringIO()
        figure.savefig(written, format="svg", transparent=True, metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    drawn = f"<svg role=img aria-label='{label}'" + written.getvalue().partition("<svg")[2].replace(NAMES, "")
    for drawn_with, own in COLOURS.items():
        drawn = drawn.replace(drawn_with, own)
    return drawn


def _day(day: str) -> float:
    from matplotlib.dates import date2num

    return float(date2num(local(day)))
