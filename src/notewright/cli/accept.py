"""notewright accept"""

from __future__ import annotations

import argparse
import sys

from ..records import Draft
from ..settings import Settings, expanded
from .draft import TOLD
from .hints import say
from .show import as_json, id_of, json_option, open_library


def configure(_: str, parser: argparse.ArgumentParser) -> None:
    json_option(parser)
    parser.add_argument(
        "draft",
        type=id_of("draft"),
        nargs="+",
        help="the draft's id, or its number alone (as everywhere); several go in one below the other",
    )
    parser.add_argument("--into", required=True, metavar="NOTE", help="path in the vault; a new note is made if there is none")
    parser.add_argument("--under", metavar="HEADING", help="the section to put it at the end of (default: the end of the note)")
    parser.add_argument("--template", metavar="NAME", help="the template of a new note (default: the one in config.toml; '' for none)")
    parser.add_argument("--force", action="store_true", help="although a gate blocks it, or it is in a note already")
    broken = "let a link or asset stand that leads nowhere; name each one (repeatable)"
    parser.add_argument("--broken", action="append", default=[], metavar="TARGET", help=broken)
    parser.set_defaults(handler=accept)


def accept(options: argparse.Namespace) -> None:
    from .. import feedback

    library, settings = open_library()
    done = []
    with library:
        drafts, into = [library.drafts.get(name) for name in options.draft], inside(settings, options.into)
        for draft in drafts:
            _say_findings(draft, forced=options.force)
            put = feedback.accept(
                library, settings=settings, draft_id=draft.id, into=into, under=options.under, force=options.force, broken=options.broken,
                template=options.template,
            )  # fmt: skip
            done.append(put)
            what = f"{draft.id} inserted" if len(drafts) > 1 else "Inserted"
            kept = "a new note" if put.created else "backup kept"
            said = sys.stderr if options.json else sys.stdout  # at once: a later one may be refused
            say(f"{what} into {put.note_path} ({kept}; take it back with: notewright undo)", file=said, flush=True)
    if options.json:
        as_json(done if len(drafts) > 1 else done[0])


def _say_findings(draft: Draft, *, forced: bool) -> None:
    """What the gates found, on stderr; what blocks only where it is forced: else `accept` refuses, and says why."""
    found = [*(f"! {problem}" for problem in draft.problems if forced), *(f"? {warning}" for warning in draft.warnings)]
    for line in found[:TOLD]:
        print(line, file=sys.stderr)
    if len(found) > TOLD:
        say(f"and {len(found) - TOLD} more: notewright drafts show {draft.id}", file=sys.stderr)


def inside(settings: Settings, into: str) -> str:
    """A whole path that lies in the vault, as the shell completes it, seen from the vault; anything else as it is."""
    path = expanded(into)
    if path.is_absolute():
        for root in (settings.need_vault(), settings.need_vault().resolve()):
            if path.is_relative_to(root):
                return path.relative_to(root).as_posix()
    return into
