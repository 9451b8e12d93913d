"""notewright feedback list|export|import|stats|unchanged"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping
from statistics import median
from typing import Any

from ..clock import day, minute
from ..errors import Invalid
from ..models.turns import UNCHANGED
from ..records import Event
from ..settings import expanded
from .hints import say
from .show import as_json, count, json_option, list_action, open_library, shorten, table


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="list|export|import|stats|unchanged")
    list_action(parser, actions, list_events, "everything you did, oldest first")
    actions.add_parser("export", help="JSON lines on standard output: the events and the drafts they are about").set_defaults(
        handler=export
    )
    taking = actions.add_parser("import", help="add what such a file tells; what is known already is skipped")
    taking.add_argument("file", help="a file that export wrote; - reads standard input")
    json_option(taking)
    taking.set_defaults(handler=import_)
    stats = actions.add_parser("stats", help="how many of each kind")
    json_option(stats)
    stats.set_defaults(handler=statistics)
    denying = actions.add_parser("unchanged", help="you did not change, though it looks so: what was before counts fully again")
    denying.set_defaults(handler=unchanged)


def unchanged(_: argparse.Namespace) -> None:
    from ..models.turns import deny_change

    library, _settings = open_library()
    with library:
        found = deny_change(library)
    say(f"What was before {day(found.at)} counts fully again. To take this back: notewright undo")


def list_events(options: argparse.Namespace) -> None:
    library, _ = open_library()
    with library:
        events, undone = library.events.all(), library.events.undone()
    if options.json:
        as_json(events)
        return
    rows = [
        (
            event.id,
            minute(event.at),
            event.kind + (" (undone)" if event.id in undone else ""),
            f"event {event.subject}" if event.kind == "undo" else event.subject,
            _told(event),
        )
        for event in events
    ]
    table(rows, "event", "when", "kind", "about", "details", empty="No feedback yet. Rank a batch with: notewright rank")


DECIDED = {"accept": "accepted", "reject": "rejected", "reject_all": "all rejected"}
RULED = {"confirm": "confirmed", "add": "added", "edit": "changed to", "remove": "removed"}


def _told(event: Event) -> str:
    """What happened, in words."""
    payload: dict[str, Any] = dict(event.payload)
    text = ""
    if event.kind == "ranking":
        groups = [" = ".join(group) for group in payload["order"]]
        rejected = f"rejected: {', '.join(payload['rejected'])}" if payload["rejected"] else ""
        order = f"{groups[0]} is the best" if groups and payload.get("best_only") else " > ".join(groups)
        ticked = (f"{draft} good in {', '.join(names)}" for draft, names in (payload.get("aspects") or {}).items())
        text = "; ".join(filter(None, (", ".join(filter(None, (order, rejected))), *ticked)))
    elif event.kind == "decision":
        text = DECIDED.get(str(payload["decision"]), str(payload["decision"]))
    elif event.kind == "pair":
        text = str(payload["status"]) + (", as another pair has its highlights now" if payload.get("merged") else "")
        text += f", with {count(len(payload['highlights']), 'highlight')}" if "highlights" in payload else ""
    elif event.kind == "source":
        text = str(event.payload["status"]) + (f": {count(len(payload['highlights']), 'highlight')}" if payload.get("highlights") else "")
    elif event.kind == "rule":
        text = RULED.get(str(payload["action"]), str(payload["action"])) + (f': "{payload["text"]}"' if payload.get("text") else "")
    elif event.kind == "belief":
        text = {"more": "you like more of it", "less": "you like less of it", "indifferent": "it does not matter to you"}.get(
            str(payload["prefer"]), f"you like about {payload.get('value')}"
        )
    elif event.kind == UNCHANGED:
        text = f"you did not change around {day(str(payload.get('since', '')))}, though it looked so"
    elif event.kind == "edit":
        place = f" in {payload['note_path']}" if payload["note_path"] else ""
        text = f"{told_hunks(payload)}{place}" + {"watch": ", noticed", "plugin": ", in Obsidian"}.get(payload.get("via", ""), "")
    elif event.kind == "insertion":
        text = f"into {payload['insertion']['note_path']}" + (f" under {payload['under']}" if payload.get("under") else "")
    elif event.kind == "undo":
        what = "decision about a pair" if payload["kind"] == "pair" else payload["kind"]
        text = f"of the {what}" + (f" into {payload['note_path']}" if "note_path" in payload else "")
    remarks = [*payload.get("chips", ()), *([payload["comment"]] if payload.get("comment") else [])]
    return shorten("; ".join(part for part in (text, *remarks) if part), 100)


def told_hunks(payload: Mapping[str, Any]) -> str:
    """An edit in words: `2 style, 1 typo: "better" -> "best"`."""
    if payload.get("deleted"):
        return "the passage was deleted"
    hunks = payload.get("hunks", ())
    if not hunks:
        return "unchanged" if payload["distance"] == 0 else f"{payload['distance']:.0%} changed"
    kinds = Counter(hunk["kind"] for hunk in hunks)
    first = hunks[0]
    kinds_told = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
    return f'{kinds_told}: "{shorten(first["before"], 30)}" -> "{shorten(first["after"], 30)}"' + (" …" if len(hunks) > 1 else "")


def export(options: argparse.Namespace) -> None:
    from .. import feedback

    library, _ = open_library()
    with library:
        for line in feedback.export_feedback(library):
            sys.stdout.buffer.write(line.encode() + b"\n")  # the same bytes on every machine, whatever its terminal can show
    sys.stdout.buffer.flush()


def import_(options: argparse.Namespace) -> None:
    from .. import feedback

    data = sys.stdin.buffer.read() if options.file == "-" else expanded(options.file).read_bytes()
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise Invalid(f"{options.file} is not UTF-8 text.", "Give a file that notewright feedback export wrote.") from error
    library, _ = open_library()
    with library:
        done = feedback.import_feedback(library, lines)
    if options.json:
        as_json(done)
        return
    print(f"Imported {count(done.events, 'event')} and {count(done.drafts, 'draft')}; {count(done.known, 'line')} known already.")


def statistics(options: argparse.Namespace) -> None:
    library, _ = open_library()
    with library:
        events, undone = library.events.all(), library.events.undone()
    counts = Counter(event.kind for event in events)
    taken = Counter(event.kind for event in events if event.id in undone)
    chips = Counter(chip for event in events if event.id not in undone for chip in _chips(event.payload))
    seconds = [found for event in events if event.id not in undone and isinstance(found := event.payload.get("seconds"), int | float)]
    middle = median(seconds) if seconds else None
    if options.json:
        as_json({"events": counts, "undone": taken, "chips": chips, "median_seconds": middle})
        return
    table([(kind, number, taken[kind]) for kind, number in sorted(counts.items())], "kind", "events", "undone", empty="No feedback yet.")
    for chip, number in chips.most_common():
        print(f"{chip}: {number}")
    if middle is not None:
        print(f"median time: {middle:g} s")


def _chips(payload: dict[str, object]) -> list[str]:
    found = payload.get("chips")
    return [str(chip) for chip in found] if isinstance(found, list) else []
