"""notewright feedback list|export|stats"""

from __future__ import annotations

import argparse
import json
from collections import Counter

from .show import as_json, json_option, open_library, shorten, table


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    json_option(parser)
    parser.set_defaults(handler=list_events)
    actions = parser.add_subparsers(metavar="list|export|stats")
    listing = actions.add_parser("list", help="everything you did, oldest first")
    json_option(listing)
    listing.set_defaults(handler=list_events)
    actions.add_parser("export", help="JSON lines on standard output").set_defaults(handler=export)
    stats = actions.add_parser("stats", help="how many of each kind")
    json_option(stats)
    stats.set_defaults(handler=statistics)


def list_events(options: argparse.Namespace) -> None:
    library, _ = open_library()
    with library:
        events = library.events.all()
    if options.json:
        as_json(events)
        return
    rows = [
        (event.id, event.at[:16].replace("T", " "), event.kind, event.subject, shorten(json.dumps(event.payload, ensure_ascii=False), 70))
        for event in events
    ]
    table(rows, "event", "when (UTC)", "kind", "about", "details", empty="No feedback yet. Rank a batch with: notewright rank")


def export(options: argparse.Namespace) -> None:
    library, _ = open_library()
    with library:
        for event in library.events.all():
            row = {"id": event.id, "kind": event.kind, "at": event.at, "subject": event.subject, "payload": event.payload}
            print(json.dumps(row, ensure_ascii=False))


def statistics(options: argparse.Namespace) -> None:
    library, _ = open_library()
    with library:
        counts = Counter(event.kind for event in library.events.all())
    if options.json:
        as_json(counts)
        return
    table(sorted(counts.items()), "kind", "events", empty="No feedback yet.")
