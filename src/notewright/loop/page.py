"""What was tried and why the decision fell: one HTML page with its plot inside, readable without a network."""

from __future__ import annotations

import base64
import tempfile
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ..evaluation import EvaluationReport, Item, plot
from ..evaluation.choices import accuracy
from ..evaluation.report import MEMORISED
from ..files import put
from .decide import Contender

if TYPE_CHECKING:
    from .improve import ImproveReport

STYLE = """
:root { color-scheme: light dark; --ink: #22272c; --paper: #fdfdfc; --line: #d9dde1; --soft: #68727c; --good: #2e7d4f; }
@media (prefers-color-scheme: dark) { :root { --ink: #dfe3e6; --paper: #1b1e21; --line: #3a4046; --soft: #98a2ab; --good: #6fbf8f; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; color: var(--soft); } .yes { color: var(--good); font-weight: 600; } .soft { color: var(--soft); }
.scroll { overflow-x: auto; } .wide { min-width: 34rem; } tr:has(+ .verdict) td { border-bottom: 0; } .verdict td { padding-top: 0; }
img { width: 100%; background: #fff; border-radius: .4rem; } pre { white-space: pre-wrap; font-size: .85rem; margin: 0; }
.beside { display: grid; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); gap: 1rem; }
.beside > div { border: 1px solid var(--line); border-radius: .4rem; padding: .6rem; overflow-wrap: anywhere; }
"""
COLUMNS = (
    "version",
    "distance",
    "change (90 % interval)",
    "valid",
    "form",
    "highlights",
    "copied",
    "rules",
    "length",
    "lately",
    "choices",
)
SHOWN = 3  # passages that are printed whole


def write_page(path: Path, report: ImproveReport, current: Contender) -> None:
    """Write the page; the passages shown are those that the best contender changed most for the better and for the worse."""
    verdicts = report.decision.verdicts
    best = min(verdicts, key=lambda verdict: verdict.comparison.after, default=None)
    rows = [_row("current: " + current.model_id, current, "", "", False)]
    for verdict in verdicts:
        change = verdict.comparison
        rows.append(
            _row(
                f"{verdict.contender.label}: {verdict.contender.model_id}", verdict.contender,
                f"{change.difference:+.3f} ({change.low:+.3f} to {change.high:+.3f})",
                "; ".join(verdict.objections) or "passes", verdict.contender is report.decision.winner,
            )
        )  # fmt: skip
    headline = escape(report.verdict.removesuffix("."))
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>{escape(report.id)}</title><style>{STYLE}</style><h1>{headline}</h1><p>{escape(report.reason)}.</p>",
        *(f"<p class=soft>Left out: {escape(line)}</p>" for line in report.skipped),
        f"<div class=scroll><table class=wide><tr>{''.join(f'<th>{name}' for name in COLUMNS)}</tr>", *rows, "</table></div>",
        f"<p class=soft>Distance: words to change per word, to your own passage; 0 is word for word yours. {len(current.report.items)}"
        " passages of sources that no version was trained on. "
        f"Change: on {_proven(current)}{_former(current.proven)}. "
        "Length: median share of your own passage's words. Form: distance between the "
        "marks alone (headings, lists, links). Highlights: of those you used, how many the drafts use. Copied: drafts with "
        f"{MEMORISED} or more words in a row from other notes. Rules: limits of yours that a draft breaks, on average. "
        "Lately: distance on chapters that you began after the first build and that only measure (how many passages); being further "
        "there is held against a version, being nearer not for it. Choices: of your rankings on what only measures, the pairs it finds "
        "likelier in your order; 50 % is chance, and it decides nothing.</p>",
    ]  # fmt: skip
    if best:
        parts.append(f"<img alt='distance of each held-out passage' src='{_picture([current, best.contender])}'>")
        parts += _passages(current.report, best.contender)
    put(path, "\n".join(parts) + "</html>\n")


def _row(name: str, contender: Contender, change: str, verdict: str, won: bool) -> str:
    report, later = contender.report, contender.later
    judged = accuracy([*report.choices, *(later.choices if later else ())])
    chosen = f"{judged.share:.0%} ({judged.low:.0%} to {judged.high:.0%})" if judged else "–"
    shares = (f"{report.valid:.0%}", _told(report.structure, ".2f"), _told(report.coverage, ".0%"), _told(report.memorised, ".0%"))
    rest = (_told(report.broken, ".2f"), f"{report.length:.2f}", f"{later.mean:.3f} ({len(later.items)})" if later else "–", chosen)
    cells = (f"{report.mean:.3f}", change, *shares, *rest)
    mark = " class=yes" if won else ""
    beneath = f"<tr class=verdict><td colspan={len(COLUMNS)}{mark or ' class=soft'}>{escape(verdict)}</tr>" if verdict else ""
    return f"<tr><td{mark}>{escape(name)}" + "".join(f"<td>{cell}" for cell in cells) + f"</tr>{beneath}"


def _proven(current: Contender) -> str:
    if current.proof:
        return f"the {len(current.proof.items)} by which no training was steered"
    return f"all {len(current.report.items)}, those by which trainings are steered as well"


def _former(report: EvaluationReport) -> str:
    earlier = sum(item.former for item in report.items)
    return f", of which {earlier} are from before you changed and count a quarter" if earlier else ""


def _told(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _picture(contenders: list[Contender]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = plot([item.report for item in contenders], Path(folder) / "plot.png", labels=[item.label for item in contenders])
        return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()


def _passages(before: EvaluationReport, best: Contender) -> list[str]:
    earlier = {item.pair_id: item for item in before.items}
    changed = sorted((item for item in best.report.items if item.pair_id in earlier), key=lambda item: item.ned - earlier[item.pair_id].ned)
    shown = changed if len(changed) <= SHOWN else [*changed[: SHOWN - 1], changed[-1]]
    return [part for item in shown for part in _beside(item, earlier[item.pair_id], best.label)]


def _beside(after: Item, before: Item, label: str) -> list[str]:
    columns = (("your passage", after.passage), (f"current, {before.ned:.2f}", before.draft), (f"{label}, {after.ned:.2f}", after.draft))
    boxes = "".join(f"<div><p class=soft>{escape(title)}</p><pre>{escape(text)}</pre></div>" for title, text in columns)
    return [f"<h2>{escape(after.note_path)}</h2>", f"<div class=beside>{boxes}</div>"]
