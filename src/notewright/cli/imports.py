"""notewright import readwise|kindle|vault, notewright token"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from ..errors import Invalid
from ..records import ImportReport
from .hints import say
from .show import as_json, count, given_path, json_option, open_library, progress


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(title="from", metavar="readwise|kindle|vault", required=True)
    readwise = kinds.add_parser("readwise", help="a Readwise export (CSV, API JSON, Markdown folder), or the API itself")
    readwise.description = (
        "Bring in a Readwise export. A CSV or Markdown export is taken as whole: what it lacks of a book that is in it counts as removed,"
        " and comes back with an export that has it. A row without a title goes to the book it is of, and one without text changes nothing."
    )
    readwise.add_argument("path", nargs="?", type=given_path, help="the exported file or folder")
    readwise.add_argument("--api", action="store_true", help="ask the Readwise API (the token: notewright token set)")
    readwise.add_argument("--full", action="store_true", help="with --api: everything again, not only what changed")
    readwise.set_defaults(handler=import_readwise)
    kindle = kinds.add_parser("kindle", help="a Kindle's My Clippings.txt")
    kindle.add_argument("path", type=given_path, help="the file, from the Kindle's folder documents")
    kindle.set_defaults(handler=import_kindle)
    vault = kinds.add_parser("vault", help="your own notes (the Readwise folder, templates and dot folders are left out)")
    vault.set_defaults(handler=import_vault)
    for kind in (readwise, kindle, vault):
        json_option(kind)


def import_readwise(options: argparse.Namespace) -> None:
    from .. import importers

    if bool(options.path) == options.api:
        raise Invalid("Give either a path or --api.", "For example: notewright import readwise ~/Downloads/readwise-data.csv")
    library, settings = open_library()
    with library, progress("importing") as advance:
        if options.api:
            from ..importers.readwise_api import find_token, import_api

            report = import_api(library, token=find_token(settings), full=options.full, progress=advance)
        else:
            report = importers.import_readwise(library, path=options.path, vault=settings.vault, progress=advance)
        pairs = library.counts()["pairs"]
    _show(report, options.json, pairs)


def import_kindle(options: argparse.Namespace) -> None:
    from ..importers import import_clippings

    library, _ = open_library()
    with library, progress("importing") as advance:
        report = import_clippings(library, path=options.path, progress=advance)
        pairs = library.counts()["pairs"]
    _show(report, options.json, pairs)


def import_vault(options: argparse.Namespace) -> None:
    from ..importers.vault import import_vault as read_vault

    library, settings = open_library()
    with library, progress("reading notes") as advance:
        report = read_vault(library, settings=settings, progress=advance)
        counts = library.counts()
    if options.json:
        as_json(report)
        return
    changed = report.changed
    if not changed and not report.unchanged:
        print(f"There are no notes of yours in {settings.vault}: the Readwise folder, templates, excluded and dot folders do not count.")
        _warn(report.warnings, False)
        return
    left = f"{report.left_out:,} left out now, " if report.left_out else ""
    told = f"{count(report.added, 'note')} new, {report.updated:,} changed, {report.removed:,} gone, {left}{report.unchanged:,} as before;"
    print(told, end=" ")
    print(f"{count(counts['passages'], 'passage')}." if changed else "nothing changed.")
    _warn(report.warnings, bool(changed and counts["pairs"] and counts["notes"]))


def _warn(warnings: Iterable[str], pairs_are_old: bool) -> None:
    for warning in warnings:
        say(f"warning: {warning}")
    if pairs_are_old:
        say("Your pairs are older than this. Bring them up to date with: notewright pair")


def _show(report: ImportReport, as_data: bool, pairs: int) -> None:
    if as_data:
        as_json(report)
        return
    if not report.changed and not report.unchanged:
        print("Nothing to import: there are no highlights in it.")
    elif not report.changed:
        print(f"Nothing changed: {count(report.unchanged, 'highlight')} already here.")
    else:
        marks = f"; {count(report.marks_changed, 'chapter mark')} new, changed or removed" if report.marks_changed else ""
        print(
            f"{count(report.sources_added, 'source')} new, {report.sources_updated:,} changed; {count(report.added, 'highlight')} new, "
            f"{report.updated:,} changed, {report.removed:,} removed, {report.unchanged:,} as before"
            f"{marks}."
        )
    _warn(report.warnings, report.changed and bool(pairs))
