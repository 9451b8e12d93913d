"""notewright pairs review: one pair after the other, side by side, decided by a letter."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import Invalid, NotewrightError, NotFound
from ..provenance import Span, provenance
from ..records import Highlight, Pair
from .hints import say
from .show import count, id_of, open_library, shorten
from .terminal import plain

if TYPE_CHECKING:
    from rich.text import Text

    from ..library import Library

KEYS = """a accept, r reject, s skip, u undo, q quit; split 1 3 keeps highlights 1 and 3 only; merge pair-7 adds that pair's highlights"""
END = -1
_NEAR = 2  # pairs before and after
_COLOURS = ("green", "cyan", "yellow", "magenta", "blue", "bright_red")


def review(options: argparse.Namespace) -> None:
    """Ask until the queue, the answers or the patience ends."""
    from .. import pairing

    library, settings = open_library()
    with library:
        waiting = pairing.review_queue(library)[: options.limit or None]
        if not waiting:
            all_decided = "Nothing is undecided: you have decided about all pairs. See them with: notewright pairs list"
            say(all_decided if library.pairs.all() else "Nothing is undecided. Make proposals with: notewright pair")
            return
        print(f"{count(len(waiting), 'undecided pair')}, the most useful first.")
        _tell(KEYS)
        decided = _ask(library, waiting)
        if decided:
            pairing.pair(library, settings=settings)
            print(f"{count(decided, 'pair')} decided; that corrected the scores of the others.")


def _ask(library: Library, waiting: Sequence[Pair]) -> int:
    """Shows and decides; returns how many decisions stand at the end."""
    history: list[tuple[int, list[int]]] = []  # of each decision its place, and what it stored
    at = 0
    while at < len(waiting):
        try:
            pair = library.pairs.get(waiting[at].id)
        except NotFound:  # paired again elsewhere meanwhile
            print(f"\n{waiting[at].id} is no longer proposed.")
            at += 1
            continue
        if pair.status != "proposed":  # merged into another one on the way
            at += 1
            continue
        _show(library, pair, at + 1, len(waiting))
        answer = _answer()
        while answer:
            try:
                moved = _act(library, pair, answer, history, at)
            except NotewrightError as error:
                say(f"{error.message} {error.hint}")
                moved = None
            if moved is not None:
                break
            answer = _answer()
        if not answer or moved is None or moved == END:
            break
        at = moved
    return len(history)


def _tell(text: str) -> None:
    """Print, broken between words."""
    print(textwrap.fill(text, width=shutil.get_terminal_size((120, 40)).columns))


def _answer() -> str:
    """The next answer; empty at the end of a piped input."""
    if sys.stdin.isatty():
        print("> ", end="", flush=True)
    for line in sys.stdin:
        if line.strip():
            return line.strip().lower()
        if sys.stdin.isatty():
            print("> ", end="", flush=True)
    return ""


def _act(library: Library, pair: Pair, answer: str, history: list[tuple[int, list[int]]], at: int) -> int | None:
    """The place to go on at (`END`: nowhere), or None where the answer made no sense."""
    from .. import pairing

    word, _, rest = answer.partition(" ")
    if word in ("q", "quit"):
        return END
    if word in ("s", "skip"):
        return at + 1
    if word in ("u", "undo"):
        if not history:
            print("Nothing to undo yet.")
            return None
        back, events = history.pop()
        pairing.restore(library, events)
        print("Taken back.")
        return back
    if word == "merge" and not rest.strip():
        print("Name the other pair, for example: merge pair-7")
        return None
    if word in ("a", "accept", "r", "reject"):
        decided = pairing.recorded(library, lambda: library.pairs.decide(pair.id, "accepted" if word[0] == "a" else "rejected"))
    elif word == "split":
        decided = pairing.recorded(library, lambda: pairing.split(library, pair.id, _numbered(pair, rest)))
    elif word == "merge":
        other = library.pairs.get(id_of("pair")(rest.strip())).id
        decided = pairing.recorded(library, lambda: pairing.merge(library, pair.id, other))
    else:
        _tell(KEYS)
        return None
    if decided[1]:  # nothing, where it was decided so elsewhere meanwhile
        history.append((at, [event.id for event in decided[1]]))
    print(f"{pair.id} {library.pairs.get(pair.id).status}.")
    return at + 1


def _numbered(pair: Pair, words: str) -> list[str]:
    """The highlights that `1 3` or `1,3` names. Raises Invalid for what is no number of one of them."""
    wanted = words.replace(",", " ").split()
    wrong = [word for word in wanted if not word.isdecimal() or not 1 <= int(word) <= len(pair.links)]
    if wrong or not wanted:
        names = ", ".join(wrong) or "no number"
        raise Invalid(f"{pair.id} has highlights 1 to {len(pair.links)}, not {names}.", "Name those to keep, such as: split 1 3")
    return [pair.links[int(word) - 1].highlight_id for word in wanted]


def _show(library: Library, pair: Pair, number: int, of: int) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from ..pairing import explain

    highlights = [library.sources.highlight(link.highlight_id) for link in pair.links]
    spans = provenance(pair.passage_text, highlights)
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print()
    source = library.sources.get(pair.source_id)
    console.print(Text(plain(f"{number}/{of}  {pair.id}  score {pair.score:.2f}  {source.title}  ->  {pair.note_path}"), style="bold"))
    console.print(Text(plain(explain(pair)), style="dim"))
    if others := _beside(library, pair):
        console.print(Text(plain(f"Beside it, from the same source: {others}"), style="dim"))
    view = Table(box=None, expand=True, padding=(0, 2, 0, 0))
    view.add_column("highlights", ratio=1, overflow="fold")
    view.add_column("passage", ratio=1, overflow="fold")
    view.add_row(Text("\n").join(_told(highlights, spans)), _written(pair.passage_text, spans))
    console.print(view)


def _beside(library: Library, pair: Pair) -> str:
    """The pairs of the same source and note that stand next to this one: those one may want to merge with it."""
    row = library.pairs.all(source_id=pair.source_id, note_path=pair.note_path)
    at = next((number for number, item in enumerate(row) if item.id == pair.id), 0)
    near = [item for item in row[max(0, at - _NEAR) : at + _NEAR + 1] if item.id != pair.id]
    return ", ".join(f"{item.id} “{item.headings[-1] if item.headings else shorten(item.passage_text, 30)}”" for item in near)


def _told(highlights: Sequence[Highlight], spans: Sequence[Span]) -> list[Text]:
    from rich.text import Text

    shown = []
    for at, item in enumerate(highlights):
        mark = f"{at + 1} "
        text = Text(plain(f"{mark}{item.text}" + (f"\n  ({item.annotation})" if item.annotation else "")))
        text.stylize("bold", 0, len(mark))
        for alignment in (piece for span in spans for rest in span.rests if rest.highlight == at for piece in rest.alignments):
            start = len(mark) + alignment.highlight_start + (len(item.text) + 4 if alignment.remark else 0)
            text.stylize(_COLOURS[at % len(_COLOURS)], start, start + alignment.highlight_end - alignment.highlight_start)
        shown.append(text)
    return shown


def _written(passage: str, spans: Sequence[Span]) -> Text:
    """The passage, its aligned words coloured as their highlights, and each unit marked with the numbers of those it rests on."""
    from rich.text import Text

    text = Text()
    at = 0
    passage = plain(passage)
    for span in spans:
        text.append(passage[at : span.start])
        piece = Text(passage[span.start : span.end])
        for rest in span.rests:
            for item in rest.alignments:
                piece.stylize(_COLOURS[rest.highlight % len(_COLOURS)], item.start - span.start, item.end - span.start)
        text.append_text(piece)
        if span.rests:
            text.append(f" [{','.join(str(rest.highlight + 1) for rest in span.rests)}]", style="bold")
        at = span.end
    text.append(passage[at:])
    return text
