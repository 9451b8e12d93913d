"""The account as one HTML page that a person reads: plots inside, nothing loaded from anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ..clock import day_in_words
from ..errors import Unavailable
from ..files import put
from ..text import word_diff
from .account import READING, WRITING, Account, Taken, Version, account
from .curve import FEWEST, Mean
from .curve_plot import svg
from .page import STYLE

if TYPE_CHECKING:
    from ..library import Library

MORE_STYLE = """
h2 { margin-top: 2.2rem; } h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
svg { width: 100%; height: auto; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); gap: 1.5rem; }
ins { text-decoration: none; background: color-mix(in srgb, var(--good) 28%, transparent); border-radius: .2rem; }
del { color: var(--soft); } .diff { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); border-radius: .4rem;
  padding: .6rem; font-size: .9rem; } li { margin: .2rem 0; } .plots h3 { margin: 0; }
"""
SEEN = {
    "edit cost": ("Edit cost", "of the words and marks of a draft you took, the share you changed in it; lower is better"),
    "acceptance": ("Acceptance", "share of the batches you decided about in which you took a draft; higher is better"),
    "place": ("Place of what you took", "100 %: always the machine's first choice; 50 % is chance, and 0 % always its last"),
}


def report(library: Library, *, path: Path, writing: float = WRITING, reading: float = READING) -> Account:
    """Write the page to `path`, replaced whole. Raises Unavailable where that cannot be, and what `account` raises."""
    told = account(library, writing=writing, reading=reading)
    try:
        put(path, account_page(told))
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}.", "Choose another file: notewright report --out FILE") from error
    return told


def account_page(told: Account) -> str:
    """The whole page."""
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content='width=device-width, initial-scale=1'>",
        f"<title>What came of it</title><style>{STYLE}{MORE_STYLE}</style></head><body><h1>What came of it</h1>",
    ]
    parts += _summary(told)
    if told.decided or told.taken:
        parts += [*_curves(told), *_minutes(told)]
    parts += [*_learnt(told), *_versions(told), *_examples(told.examples)]
    return "\n".join(parts) + "</body></html>\n"


def _summary(told: Account) -> list[str]:
    if not told.decided:
        more = f" You have judged {_count(told.open, 'batch', 'batches')} without that." if told.open else ""
        return [
            f"<p>No draft has been taken yet, nor a batch turned down whole, so there is nothing to measure.{more} "
            "Begin with: <code>notewright draft</code></p>"
        ]
    cost = told.curves[0].whole
    first, last = day_in_words(told.since), day_in_words(told.until)
    when = f"on {first}" if first == last else f"between {first} and {last}"
    taken = f"you took {_count(told.taken, 'draft')}" + (f", {told.untouched} of them without a change" if told.untouched else "")
    gone = f" {_count(told.deleted, 'passage')} you deleted later." if told.deleted else ""
    ranked = f" {_count(told.open, 'batch', 'batches')} you judged without deciding." if told.open else ""
    changed = f" Of what you took you changed {_percent(cost)}." if cost.items else ""
    return [
        f"<p>Of {_count(told.decided, 'batch', 'batches')} of drafts that you decided about {when}, {taken}.{gone}{ranked}{changed}</p>",
        "<p class=soft>Changes count as they stood when your notes were last looked at (<code>notewright sync</code>); the newest drafts "
        "may still be changed. Intervals are 90 %.</p>",
    ]


def _curves(told: Account) -> list[str]:
    plots = []
    for curve in told.curves:
        title, meaning = SEEN[curve.name]
        inside = svg(curve, label=f"{title} over time") if len(curve.values) >= FEWEST else ""
        notes = []
        if curve.why_not:
            notes.append(f"No line: {curve.why_not}." if curve.values else "Nothing yet.")
        if curve.values and curve.why_not:
            notes.append(f"All together: {_percent(curve.whole)}.")
        if change := curve.change:
            moved = f"{change.earlier:.0%} in the earlier half, {change.later:.0%} in the later one: {change.difference * 100:+.0f} points"
            if change.low is not None and change.high is not None:
                moved += f" ({change.low * 100:+.0f} to {change.high * 100:+.0f})"
                moved += "" if change.low > 0 or change.high < 0 else ", which may be chance"
            notes.append(f"{moved}.")
        told_so = "".join(f"<p>{escape(note)}</p>" for note in notes)
        plots.append(f"<div><h3>{title}</h3><p class=soft>{escape(meaning)}</p>{inside}{told_so}</div>")
    return ["<h2>Over your weeks</h2>", f"<div class=plots>{''.join(plots)}</div>",
            "<p class=soft>A dot is one draft (or batch); the line joins means of whole weeks, with 90 % intervals. A change may "
            "also come from other sources or moods: only held-out work (below) compares versions on the same highlights.</p>"]  # fmt: skip


def _minutes(told: Account) -> list[str]:
    minutes = told.minutes
    rows = [
        ("typing what you kept, from nothing", minutes.alone),
        ("less: typing what you changed in drafts", -minutes.typed),
        ("less: reading and judging drafts, also those you turned down", -minutes.looked),
    ]
    looked = f"measured for {_count(minutes.measured, 'batch', 'batches')}"
    if minutes.assumed:
        looked += (
            f", for {minutes.assumed} assumed from their words at {minutes.reading:g} a minute (not measured, or open for over an hour)"
        )
    others = "; ".join(f"at {speed:g}: {_balance(saved)}" for speed, saved in minutes.by_speed if speed != minutes.writing)
    return [
        f"<h2>{_balance(minutes.saved)}</h2>",
        _table((), [(what, _span(value, sign=True)) for what, value in rows]),
        f"<p>This rests on an assumption: that you write {minutes.writing:g} words a minute when you write a note yourself. With other "
        f"speeds: {others}. Yours: <code>notewright report --writing N</code>.</p>",
        f"<p class=soft>The time to judge is {looked}. Every word, mark and line break you changed counts as typing a word, and where you "
        "edited before accepting it counts in the measured time too. Finding the passages, thinking, and the machine's own time are left "
        f"out. {WRITING:g} words a minute is what people composed at a keyboard (Karat and others, 1999), {READING:g} is silent reading "
        "(Brysbaert, 2019).</p>",
    ]  # fmt: skip


def _learnt(told: Account) -> list[str]:
    parts = [f"<h2>What was learnt</h2><p class=soft>From {_count(told.notes, 'finished passage')} of yours and what you did with drafts. "
             "Correct it with <code>notewright taste correct</code>.</p>"]  # fmt: skip
    parts.append(_list(told.learnt) if told.learnt else "<p>Of your taste nothing is sure yet.</p>")
    if not told.trusted:
        parts.append("<p>It has not yet proven that it knows what you like, so it does not order the drafts you see: their "
                     "places are chance (<code>notewright reward</code>).</p>")  # fmt: skip
    rules = _list(told.rules) if told.rules else "<p>None. Wishes in your comments become rules when you confirm them.</p>"
    return [*parts, f"<h3>Rules you confirmed</h3>{rules}"]


def _versions(told: Account) -> list[str]:
    if not told.versions:
        return ["<h2>Versions</h2><p>No version has written yet.</p>"]
    steps = sorted((at, version.model_id, why) for version in told.versions for at, why in version.promotions)
    parts = [
        "<h2>What each version changed</h2>",
        _table(
            ("version", "held-out distance", "edit cost of what you took", "share taken of batches it wrote alone"),
            [(_name(item), _figure(item.held_out, "passage"), _figure(item.cost, "draft"), _figure(item.taken, "batch", "batches"))
             for item in told.versions],
        ),
        "<p class=soft>Held-out distance: words to change per word, to your own passages of sources that no version learnt from. Edit cost "
        "and share taken are of your own work with each version, on different sources: they show what you had, not which is better.</p>",
        *_online(told),
        "<h3>Which version wrote when, and why</h3>",
        _table(("from", "version", "in place of", "why"),
               [(day_in_words(at), model_id, before or "–", why) for (at, model_id, why), before in
                zip(steps, ["", *(model_id for _, model_id, _ in steps)], strict=False)]),
    ]  # fmt: skip
    return parts


def _online(told: Account) -> list[str]:
    """Blind duels, and a change of the person, where there were any."""
    lines = [
        f"Blind duels: {rate.first} was preferred to {rate.second} in {rate.rate:.0%} of {rate.duels} ({rate.low:.0%} to {rate.high:.0%})."
        for rate in told.duels
    ]
    if change := told.drift:
        moved = f"{change.what} rose from {change.before:.2f} to {change.after:.2f}"
        lines.append(f"Around {day_in_words(change.at)} you changed: {moved}. What was before counts less since.")
    return [f"<p>{escape(line)}</p>" for line in lines]


def _name(version: Version) -> str:
    return f"{version.model_id} ({version.role}{', current' if version.current else ''})"


def _examples(examples: Sequence[Taken]) -> list[str]:
    parts = ["<h2>What you made of drafts</h2>"]
    if not examples:
        return [*parts, "<p>No taken draft was changed yet.</p>"]
    parts.append("<p class=soft>The newest and the oldest, the one you changed most and the one you changed least. "
                 "<del>Struck out</del> is what you took out, <ins>marked</ins> what you put in.</p>")  # fmt: skip
    for item in examples:
        where = f"{item.source}, {item.chapter}" if item.chapter else item.source
        pieces = "".join(
            escape(text) if op == "=" else f"<{_TAGS[op]}>{escape(text)}</{_TAGS[op]}>" for op, text in word_diff(item.written, item.left)
        )
        parts.append(f"<h3>{escape(where)}</h3><p class=soft>{day_in_words(item.at)}, {escape(item.model_id)}, {item.cost:.0%} changed</p>"
                     f"<div class=diff>{pieces}</div>")  # fmt: skip
    return parts


_TAGS = {"-": "del", "+": "ins"}


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    top = "<tr>" + "".join(f"<th>{escape(cell)}" for cell in head) + "</tr>" if head else ""
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}" for cell in row) + "</tr>" for row in rows)
    return f"<div class=scroll><table{' class=wide' * bool(head)}>{top}{body}</table></div>"


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"


def _percent(mean: Mean) -> str:
    assert mean.mean is not None
    return f"{mean.mean:.0%}" + (f" ({mean.low:.0%} to {mean.high:.0%})" if mean.low is not None else "")


def _figure(mean: Mean, unit: str, units: str = "") -> str:
    if mean.mean is None:
        return "–"
    between = f" ({mean.low:.2f} to {mean.high:.2f})" if mean.low is not None else ""
    return f"{mean.mean:.2f}{between}, {_count(mean.items, unit, units)}"


def _count(number: int, unit: str, units: str = "") -> str:
    return f"{number:,} {unit if number == 1 else units or unit + 's'}"


def _balance(minutes: float) -> str:
    return f"{_span(minutes)} {'saved' if minutes >= 0 else 'lost'}"


def _span(minutes: float, *, sign: bool = False) -> str:
    size = abs(minutes)
    told = f"{size / 60:.1f} hours" if size >= 90 else f"{size:.0f} minutes" if size >= 9.5 else f"{size:.1f} minutes"
    return ("−" if minutes < 0 else "+") * sign + told
