"""docs/cli.md, generated from the parsers: `python -m notewright.cli.reference > docs/cli.md`. A test keeps it fresh."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from unittest import mock

from . import build_parser

EXIT_CODES = """Exit codes: 0 all went well; 1 something is wrong, told in a line and a hint on stderr (`vault check`, `doctor`:
something was found to mend); 2 the command line itself cannot be understood; 130 stopped with Ctrl-C."""


def reference() -> str:
    """Every command with its help text, as Markdown; the same on every terminal width."""
    with mock.patch.dict(os.environ, {"COLUMNS": "110"}):
        parts = [f"# The command line\n\nGenerated from the program: `python -m notewright.cli.reference`.\n\n{EXIT_CODES}\n"]
        for depth, title, parser in _walk(build_parser(everything=True), "notewright", 2):
            parts.append(f"{'#' * depth} {title}\n\n```\n{parser.format_help().rstrip()}\n```\n")
    return "\n".join(parts)


def _walk(parser: argparse.ArgumentParser, title: str, depth: int) -> Iterator[tuple[int, str, argparse.ArgumentParser]]:
    yield depth, title, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield from _walk(command, f"{title} {name}", min(depth + 1, 4))


if __name__ == "__main__":
    print(reference(), end="")
