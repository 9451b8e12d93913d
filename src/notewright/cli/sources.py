"""notewright sources [TITLE]"""

from __future__ import annotations

import argparse
from collections import Counter

from ..library.examples import visible_highlights
from ..prompts import location_label
from .show import as_json, facts, json_option, open_library, shorten, table


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    parser.add_argument("title", nargs="?", help="show one source with its chapters and highlights")
    json_option(parser)
    parser.set_defaults(handler=sources)


def sources(options: argparse.Namespace) -> None:
    library, _ = open_library()
    with library:
        if options.title:
            source = library.sources.find(options.title)
            highlights = library.sources.highlights(source.id)
            if options.json:
                as_json({"source": source, "highlights": highlights})
                return
            shown = {"title": source.title, "author": source.author, "kind": source.kind, "id": source.id, "tags": ", ".join(source.tags)}
            facts({name: value for name, value in shown.items() if value})
            numbers = {item.id: number for number, item in enumerate(visible_highlights(library, source.id), 1)}
            chapter = None
            for item in highlights:
                if item.chapter != chapter:
                    chapter = item.chapter
                    print(f"\n{chapter or '(no chapter)'}")
                marks = ("★" if item.is_favorite else "") + ("✗" if item.is_discard else "")
                told = f"{marks + ' ' if marks else ''}{shorten(item.text, 90)}  {location_label(item)}".rstrip()
                print(f"{numbers.get(item.id, ''):>4}  {told}  {item.id}")
                if item.annotation:
                    print(f"          — {shorten(item.annotation, 84)}")
            return
        found = library.sources.all()
        per_source = Counter(item.source_id for source in found for item in library.sources.highlights(source.id))
    if options.json:
        as_json([{"source": source, "highlights": per_source[source.id]} for source in found])
        return
    rows = [(shorten(source.title), shorten(source.author, 30), source.kind, per_source[source.id]) for source in found]
    table(rows, "title", "author", "kind", "highlights", empty="No sources yet. Bring some in with: notewright import readwise PATH")
