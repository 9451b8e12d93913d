"""A dataset as one self-contained HTML page: coverage, lengths, the style's features, what was left out and why."""

from __future__ import annotations

import html
import io
import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..clock import minute
from ..errors import NotFound, Unavailable
from ..files import put
from ..library.rows import Row, load
from ..library.splits import LATER, PARTS, SPLITS
from ..records import Dataset, Highlight
from ..reward.features import FEATURES, measure
from ..text import words

if TYPE_CHECKING:
    from ..library import Library

_COLOURS = {"train": "#2f6f8f", "valid": "#d1783c", "test": "#5b8c3e", LATER: "#7a5aa6"}
_STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;margin:1rem 0}
td,th{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top;border-bottom:1px solid #ddd}
.wide{overflow-x:auto}.plots{display:flex;flex-wrap:wrap;gap:1rem}.plots svg{flex:1 1 16rem;min-width:0;max-width:100%;height:auto}
.quiet{color:#666}blockquote{margin:.2rem 0;color:#444;white-space:pre-wrap}body{overflow-wrap:anywhere}td,th{overflow-wrap:normal}
@media(max-width:40rem){body{margin:1rem auto}table{font-size:.8rem}td,th{padding-right:.4rem}}"""


def report(library: Library, *, dataset: Dataset | None = None, path: Path) -> Path:
    """Write the page on `dataset` (the newest sft dataset unless given) to `path`, replaced whole.

    Raises NotFound where there is no sft dataset, Unavailable where `path` cannot be written.
    """
    if dataset is None:
        known = library.datasets.all("sft")
        if not known:
            raise NotFound("There is no sft dataset to report on.", "Build one with: notewright dataset sft")
        dataset = known[-1]
    if dataset.kind != "sft":
        raise NotFound(f"{dataset.id} holds choices, not passages; reports are on sft datasets.", "List them with: notewright dataset list")
    rows = {split: found for split in PARTS if (found := load(dataset, split)) or split in SPLITS}
    parts = [_coverage(library, rows), _lengths(rows), _style(library, rows), _left_out(library, dataset)]
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(dataset.id)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{html.escape(dataset.id)}</h1><p class=quiet>Built {html.escape(minute(dataset.created_at))}.</p>"
        + "\n".join(parts) + "</body></html>\n"
    )  # fmt: skip
    try:
        put(path, page)
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be written: {error.strerror}.", "Choose another file: notewright dataset report --out FILE"
        ) from error
    return path


def _coverage(library: Library, rows: dict[str, list[Row]]) -> str:
    counts = library.counts()
    every = [row for part in rows.values() for row in part]
    used = {item for row in every for item in row["highlight_ids"]}
    notes = {row["note_path"] for row in every}
    sources = {row["source_id"] for row in every}
    table = [(f"examples ({' / '.join(rows)})", " / ".join(str(len(part)) for part in rows.values()))]
    parts = {"notes": notes, "sources": sources, "highlights": used}
    for name, part in ((name, len(found)) for name, found in parts.items()):
        whole = counts[name]
        table.append((f"{name} in it", f"{part:,} of {whole:,} ({part / max(1, whole):.0%})"))
    return "<h2>Coverage</h2>" + _table(table)


def _lengths(rows: dict[str, list[Row]]) -> str:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figures = [Figure(figsize=(3, 3), layout="constrained") for _ in range(3)]  # beside each other, or below on a narrow screen
    for figure in figures:
        FigureCanvasAgg(figure)
    left, middle, right = (figure.subplots() for figure in figures)
    passages = {split: [len(words(row["completion"][0]["content"])) for row in part] for split, part in rows.items()}
    highlights = {split: [len(row["highlight_ids"]) for row in part] for split, part in rows.items()}
    for axis, data, label in ((left, passages, "words and marks of the passage"), (middle, highlights, "highlights of the prompt")):
        axis.hist(list(data.values()), bins=12, stacked=True, color=[_COLOURS[split] for split in data], label=list(data))
        axis.set_xlabel(label)
    left.set_ylabel("examples")
    left.legend(fontsize=8)
    for split in rows:
        right.scatter(highlights[split], passages[split], s=14, color=_COLOURS[split], alpha=0.7)
    right.set(xlabel="highlights", ylabel="words and marks")
    return f"<h2>Lengths</h2><div class=plots>{''.join(map(_svg, figures))}</div>"


def _style(library: Library, rows: dict[str, list[Row]]) -> str:
    """Median and middle half of every feature over the passages that teach."""
    values = []
    for row in rows["train"]:
        known: list[Highlight] = []
        for item in row["highlight_ids"]:
            try:
                known.append(library.sources.highlight(item))
            except NotFound:  # gone since the dataset was frozen
                continue
        values.append(measure(row["completion"][0]["content"], known))
    lines = []
    for number, feature in enumerate(FEATURES):
        column = sorted(value for row in values if (value := row[number]) == value)
        if len(column) > 1 and column[-1] > 0:
            low, _, high = statistics.quantiles(column, n=4)
            lines.append((feature.aspect, feature.meaning, f"{statistics.median(column):.2f}", f"{low:.2f} to {high:.2f}", feature.unit))
    return "<h2>The style</h2>" + _table(lines, ("", "measure", "median", "middle half", "unit"))


def _left_out(library: Library, dataset: Dataset) -> str:
    """Counts with an example or two of each reason."""
    counts: Any = dataset.manifest.get("left_out") or {}
    named: Any = dataset.manifest.get("left_out_pairs") or {}
    if not counts:
        return "<h2>Left out</h2><p>Nothing.</p>"
    parts = ["<h2>Left out</h2>", _table([(reason, number) for reason, number in Counter(counts).most_common()], ("why", "pairs"))]
    for reason in dict.fromkeys(named.values()):
        ids = [pair_id for pair_id, why in named.items() if why == reason]
        parts.append(f"<h3>{html.escape(reason)}</h3>")
        for pair_id in ids[:2]:
            try:
                pair = library.pairs.get(pair_id.partition(".")[0])
            except NotFound:
                continue
            parts.append(f"<p class=quiet>{html.escape(pair_id)} in {html.escape(pair.note_path)}</p>")
            parts.append(f"<blockquote>{html.escape(pair.passage_text[:400])}</blockquote>")
    return "\n".join(parts)


def _table(rows: Sequence[Sequence[object]], headers: Sequence[str] = ()) -> str:
    head = "<tr>" + "".join(f"<th>{html.escape(name)}</th>" for name in headers) + "</tr>" if headers else ""
    body = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<div class=wide><table>{head}{body}</table></div>"


def _svg(figure: Any) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg")
    return text.getvalue().partition("<svg")[1] + text.getvalue().partition("<svg")[2]
