"""notewright accept, notewright undo"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ..records import Draft, Event
from ..settings import Settings, expanded
from .show import as_json, id_of, json_option, open_library, positive

if TYPE_CHECKING:
    from ..library import Library

TOLD = 5  # findings of a draft that are said when it is accepted


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    json_option(parser)
    if name == "undo":
        parser.add_argument("number", nargs="?", type=positive, metavar="N", help="how many of the last actions (default: 1)")
        parser.add_argument("--keep-note", action="store_true", help="an insertion no longer counts, but its note is left as it is")
        parser.set_defaults(handler=undo)
        return
    parser.add_argument("draft", type=id_of("draft"), help="the draft's id, or its number alone (as everywhere)")
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
    with library:
        _say_findings(library.drafts.get(options.draft), forced=options.force)
        done = feedback.accept(
            library, settings=settings, draft_id=options.draft, into=_inside(settings, options.into), under=options.under,
            force=options.force, broken=options.broken, template=options.template,
        )  # fmt: skip
    if options.json:
        as_json(done)
        return
    kept = "a new note" if done.created else "backup kept"
    print(f"Inserted into {done.note_path} ({kept}; take it back with: notewright undo)")


def _say_findings(draft: Draft, *, forced: bool) -> None:
    """What the gates found, on stderr; what blocks only where it is forced: else `accept` refuses, and says why."""
    found = [*(f"! {problem}" for problem in draft.problems if forced), *(f"? {warning}" for warning in draft.warnings)]
    for line in found[:TOLD]:
        print(line, file=sys.stderr)
    if len(found) > TOLD:
        print(f"and {len(found) - TOLD} more: notewright drafts show {draft.id}", file=sys.stderr)


def _inside(settings: Settings, into: str) -> str:
    """A whole path that lies in the vault, as the shell completes it, seen from the vault; anything else as it is."""
    path = expanded(into)
    if path.is_absolute():
        for root in (settings.need_vault(), settings.need_vault().resolve()):
            if path.is_relative_to(root):
                return path.relative_to(root).as_posix()
    return into


def undo(options: argparse.Namespace) -> None:
    from .. import feedback

    library, settings = open_library()
    done: list[Event] = []
    wanted = options.number or 1
    with library:
        for event in feedback.undo_last(library, settings=settings, number=wanted, keep_note=options.keep_note):
            done.append(event)
            if not options.json:
                about = next(action.event for action in feedback.history(library) if str(action.event.id) == event.subject)
                print(_told_rule(library, about) if about.kind == "rule" else _told(event, about))
    if not options.json and len(done) < wanted:
        print("There is nothing else to undo.")
    if options.json:
        as_json(done if options.number else done[0])


def _told_rule(library: Library, about: Event) -> str:
    done = {"confirm": "confirmed", "add": "added", "edit": "changed", "remove": "removed"}.get(str(about.payload["action"]), "changed")
    standing = [event for event in library.events.standing("rule") if event.subject == about.subject]
    holds = done == "removed" and standing and standing[-1].payload.get("action") != "remove"
    return f"Taken back: that the rule {about.subject} was {done}{'; it holds again' if holds else ''}."


def _told(event: Event, about: Event) -> str:
    kind = str(event.payload["kind"])
    if kind == "pair":
        return f"Taken back: that {about.subject} is {about.payload['status']}."
    if kind != "insertion":
        return f"Taken back: the {kind} of {about.subject}."
    how = {
        "restored": "byte for byte as it was before", "deleted": "it was new, and is gone again",
        "kept": "in the record only: the note was left as it is", "removed": "what you changed elsewhere in it since is kept",
    }  # fmt: skip
    return f"Taken back: the insertion of {about.subject} into {event.payload['note_path']} ({how[str(event.payload['how'])]})."
