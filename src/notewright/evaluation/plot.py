"""Evaluations side by side, per passage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import Invalid
from .report import EvaluationReport

COLOURS = ("#9aa3ad", "#d1783c", "#2f6f8f", "#5b8c3e")


def plot(reports: Sequence[EvaluationReport], path: Path, *, labels: Sequence[str] = ()) -> Path:
    """A PNG with one row per passage and one dot per report (the first is the oldest), and the means as dashed lines.

    Only passages that every report has are drawn; without any, Invalid.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    neds = [{item.pair_id: item.ned for item in report.items} for report in reports]
    shared = [item for item in (reports[0].items if reports else ()) if all(item.pair_id in table for table in neds)]
    if not shared:
        raise Invalid("The evaluations share no passage to draw.", "Evaluate the models on the same dataset and split.")
    shared.sort(key=lambda item: item.ned)
    names = list(labels) or [report.model_id + (" + examples" if report.examples else "") for report in reports]
    figure = Figure(figsize=(8, max(2.5, 0.26 * len(shared) + 1.3)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for place, item in enumerate(shared):
        values = [table[item.pair_id] for table in neds]
        axes.plot([min(values), max(values)], [place, place], color="#d9dde1", linewidth=2, zorder=1)
    for number, (name, table) in enumerate(zip(names, neds, strict=True)):
        values = [table[item.pair_id] for item in shared]
        mean = sum(values) / len(values)
        colour = COLOURS[number % len(COLOURS)]
        axes.scatter(values, range(len(shared)), s=26, color=colour, label=f"{name} (mean {mean:.2f})", zorder=2 + number)
        axes.axvline(mean, color=colour, linestyle="--", linewidth=1)
    axes.set_yticks(range(len(shared)), [_label(item.note_path, item.pair_id) for item in shared], fontsize=7)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel("edit distance to the person's passage (0 is the same text)")
    axes.set_title(f"Held-out passages: {reports[0].split} of {reports[0].dataset_id}", fontsize=10)
    axes.legend(fontsize=8, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    return path


def _label(note_path: str, pair_id: str) -> str:
    name = note_path.rpartition("/")[2].removesuffix(".md")
    short = (name[:27] + "…" if len(name) > 28 else name).replace("$", r"\$")
    return f"{short} · {pair_id}"
