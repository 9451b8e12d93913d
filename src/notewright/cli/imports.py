"""notewright import readwise|kindle|vault|undo"""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from ..errors import Invalid, NotFound
from ..library import Library
from ..records import ImportReport
from .hints import say
from .show import as_json, count, given_path, json_option, open_library, progress

PAIR_AGAIN = "Your pairs are older than this. Bring them up to date with: notewright pair"


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(title="from", metavar="readwise|kindle|vault|undo", required=True)
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
    undo = kinds.add_parser("undo", help="take back what the last import of highlights brought in new")
    undo.description = (
        "Remove what the last import of highlights brought in new: sources, and highlights of sources that were there before. Nothing is"
        " deleted: notewright undo, or another import of it, has it back. What the import changed in earlier highlights stays."
    )
    undo.set_defaults(handler=import_undo)
    for kind in (readwise, kindle, vault, undo):
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


def import_undo(options: argparse.Namespace) -> None:
    from ..clock import minute
    from .sources import told_removed

    library, _ = open_library()
    with library:
        last = library.hidden.last_import()
        if last is None:
            raise NotFound("No highlights were imported yet, so there is nothing to take back.", "What there is: notewright status")
        if last.removed:
            raise NotFound(
                f"What the last import brought in new, {minute(last.at)}, is removed already.",
                "Earlier ones go source by source: notewright sources remove TITLE. To have one back: notewright sources restore TITLE",
            )
        titles = {source.id: source.title for source in library.sources.all()}
        sources = [titles[key] for key in last.sources if key in titles]
        among = {titles[key]: len(ids) for key, ids in last.highlights.items() if key in titles}
        library.hidden.take_back(last)
        if options.json:
            as_json(last)
            return
        print(f"What the import of {minute(last.at)} brought in new is removed:")
        for title in sources:
            print(f"  {title}")
        for title, number in among.items():
            print(f"  {count(number, 'highlight')} of {title}")
        told_removed(library)
        if pairs_are_old(library):
            say(PAIR_AGAIN)


def pairs_are_old(library: Library) -> bool:
    """Whether what was removed or restored leaves something to pair anew."""
    counts = library.counts()
    return library.pairs.paired_at()[0] >= 0 and bool(counts["notes"] and counts["highlights"])


def _warn(warnings: Iterable[str], pairs_are_old: bool) -> None:
    for warning in warnings:
        say(f"warning: {warning}")
    if pairs_are_old:
        say(PAIR_AGAIN)


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
