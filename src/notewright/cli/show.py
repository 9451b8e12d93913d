"""How results look: tables, JSON, progress bars. Output that is piped is plain text."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..library import Library
from ..settings import Settings, load_settings
from ..text import count as count
from .hints import say
from .terminal import drawing_console, for_programs, plain

Advance = Callable[..., None]
TELL_EVERY = 10.0  # seconds
_NEVER_BROKEN = 12  # ids, numbers and states stay whole in a narrow window


def open_library() -> tuple[Library, Settings]:
    """The library and settings of the current home; raises NotFound with the command that makes one."""
    settings = load_settings()
    return Library.open(settings.home), settings


def positive(text: str) -> int:
    """The type of an option that counts things."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 on")
    return min(int(text), sys.maxsize)  # no more is counted anywhere


def id_of(kind: str) -> Callable[[str], str]:
    """The type of an argument that names one of a kind: `12` is `draft-12`."""
    return lambda text: f"{kind}-{text}" if text.isascii() and text.isdigit() else text


def given_path(text: str) -> Path:
    """The type of an option that names a file or folder."""
    if not text.strip():  # a variable of the shell that is not set; the folder one stands in is not meant
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(text)


def json_option(parser: argparse.ArgumentParser) -> None:
    # Without a default, so that `pairs --json list` is not undone by the inner parser.
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON instead of a table")


def list_action(
    parser: argparse.ArgumentParser, actions: Any, handler: Callable[[argparse.Namespace], None], told: str
) -> argparse.ArgumentParser:
    """Add `list` to the actions of a command, which is what the command does without one, too; returns its parser."""
    listing: argparse.ArgumentParser = actions.add_parser("list", help=told)
    for one in (parser, listing):
        json_option(one)
        one.set_defaults(handler=handler)
    return listing


def as_json(value: object) -> None:
    """Print records, or anything made of them, as JSON."""
    print(json.dumps(value, default=_plain, ensure_ascii=False, indent=2), file=for_programs())


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def table(rows: Iterable[Sequence[object]], *headers: str, empty: str = "") -> None:
    """Rows under headers; `empty` is said when there are none. Piped, cells are parted by tabs, the headers' too."""
    cells = [[str(cell) for cell in row] for row in rows]
    if not cells:
        say(empty or "Nothing here yet.")
        return
    if not sys.stdout.isatty():
        for row in (headers, *cells):
            print("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    view = Table(box=None, pad_edge=False, header_style="bold")
    for number, header in enumerate(headers):
        short = max(len(row[number]) for row in cells) <= _NEVER_BROKEN
        view.add_column(header, overflow="fold", no_wrap=short)
    for row in cells:
        view.add_row(*(Text(plain(cell)) for cell in row))
    Console().print(view)


def facts(pairs: Mapping[str, object]) -> None:
    """Names and values, aligned."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        say(f"{name:<{width}}  {value}")


def shorten(text: str, width: int = 60) -> str:
    """One line of at most `width` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def _lines(what: str, unit: str) -> Advance:
    """Tells how far it is, at most every `TELL_EVERY` seconds: what takes longer must not look as if it hung."""
    told = time.monotonic()

    def advance(done: int, total: int | None = None, text: str = "") -> None:
        nonlocal told
        if time.monotonic() - told >= TELL_EVERY:
            told = time.monotonic()
            print(f"{what} {text}".rstrip() + f": {done:,}" + (f" of {total:,}" if total else "") + unit, file=sys.stderr, flush=True)

    return advance


@contextmanager
def progress(what: str, *, unit: str = "") -> Iterator[Advance]:
    """A bar on stderr; without a terminal it is a line now and then. `unit` is what is counted, where `what` does not tell.

    The yielded function takes (done, total=None, text="").
    """
    if not sys.stderr.isatty():
        yield _lines(what, f" {unit}".rstrip())
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Count(MofNCompleteColumn):
        def render(self, task: Task) -> Text:
            return super().render(task) if task.completed or task.total is not None else Text()  # nothing is counted yet: no "0/?"

    columns: tuple[Any, ...] = (
        SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(bar_width=30), Count(),
        *([TextColumn(unit)] if unit else []), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=drawing_console(), transient=True) as bar:
        task = bar.add_task(plain(what), total=None)

        def advance(done: int, total: int | None = None, text: str = "") -> None:
            bar.update(task, completed=done, total=total, description=plain(f"{what} {text}".rstrip()))

        yield advance
