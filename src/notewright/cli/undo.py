"""notewright undo"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..clock import minute
from ..errors import Invalid
from ..models.turns import UNCHANGED
from ..records import Event
from .show import as_json, count, json_option, open_library, positive

if TYPE_CHECKING:
    from ..feedback import Undoable
    from ..library import Library


def configure(_: str, parser: argparse.ArgumentParser) -> None:
    json_option(parser)
    parser.add_argument(
        "number", nargs="?", type=positive, metavar="N", help="how many of the last actions (default: 1); several are listed before"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before several are taken back")
    parser.add_argument("--keep-note", action="store_true", help="an insertion no longer counts, but its note is left as it is")
    parser.set_defaults(handler=undo)


def undo(options: argparse.Namespace) -> None:
    from .. import feedback

    library, settings = open_library()
    done: list[Event] = []
    wanted = options.number or 1
    with library:
        listed = feedback.undoable(library, number=wanted)
        if wanted > 1 and listed and not options.yes and not _agreed(library, listed, options):
            print("Nothing was taken back.")
            return
        for event in feedback.undo_last(library, settings=settings, keep_note=options.keep_note, listed=listed or None):
            done.append(event)
            if not options.json:
                print(_told(library, event, listed[len(done) - 1]))
    if not options.json and len(done) < wanted:
        print("There is nothing else to undo.")
    if options.json:
        as_json(done if options.number else done[0])


def _agreed(library: Library, listed: Sequence[Undoable], options: argparse.Namespace) -> bool:
    """Whether the person wants all that taken back. Raises Invalid where there is nobody to ask."""
    if not options.json:
        print(f"{count(len(listed), 'thing')} would be taken back, newest first:")
        for item in listed:
            print(f"  {minute(item.event.at)}  {_named(library, item)}")
    if options.json or not sys.stdin.isatty():
        raise Invalid("Nobody can be asked here, so nothing was taken back.", "To take several back without being asked, add --yes.")
    return input("Take back all of it? [y/n] ").strip().lower() in ("y", "yes")


def _named(library: Library, item: Undoable) -> str:
    """An action in words that can follow "Taken back:"."""
    event = item.event
    if event.kind == "insertion":
        return f"the insertion of {event.subject} into {item.note_path}"
    if event.kind == "rule" and event.payload.get("was"):
        return f"that the rule {event.payload['was']} was changed into {event.subject}"
    if event.kind == "rule":
        return f"that the rule {event.subject} was {_RULED.get(str(event.payload['action']), 'changed')}"
    if event.kind == UNCHANGED:
        return "that you did not change, though it looked so"
    if event.kind == "source":
        titles = {source.id: source.title for source in library.sources.all(include_removed=True)}
        named = sorted({titles.get(other.subject, other.subject) for other in library.events.all("source") if other.id in item.events})
        some = "highlights of " if event.payload.get("highlights") else ""
        more = f"{named[0]} and {len(named) - 1:,} more were" if len(named) > 1 else f"{some}{named[0]} {'were' if some else 'was'}"
        return f"that {more} {event.payload['status']}"
    about = f"that {event.subject} is {event.payload['status']}" if event.kind == "pair" else f"the {event.kind} of {event.subject}"
    return about + (f", in {item.note_path}" if item.note_path else "")


_RULED = {"confirm": "confirmed", "add": "added", "edit": "changed", "remove": "removed"}
_HOW = {
    "restored": "byte for byte as it was before",
    "deleted": "it was new, and is gone again",
    "kept": "in the record only: the note was left as it is",
    "removed": "what you changed elsewhere in it since is kept",
}


def _told(library: Library, event: Event, item: Undoable) -> str:
    """What was taken back, and what holds now."""
    more = ""
    if item.event.kind == "insertion":
        more = f" ({_HOW[str(event.payload['how'])]})"
    if item.event.kind == "rule" and item.event.payload["action"] == "remove":
        standing = [other for other in library.events.standing("rule") if other.subject == item.event.subject]
        more = "; it holds again" if standing and standing[-1].payload.get("action") != "remove" else ""
    return f"Taken back: {_named(library, item)}{more}."
