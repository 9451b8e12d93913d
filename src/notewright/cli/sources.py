"""notewright sources [TITLE], sources remove|restore TITLE"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from ..errors import Invalid
from ..library import Library
from ..library.examples import visible_highlights
from ..prompts import location_label
from .hints import say
from .imports import PAIR_AGAIN, pairs_are_old
from .show import as_json, count, facts, json_option, open_library, shorten, table


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    parser.usage = "notewright sources [-h] [--json] [TITLE | remove TITLE ... | restore [TITLE ...]]"
    parser.description = (
        "The books, articles and podcasts your highlights came from. What you remove is deleted nowhere: it is no longer shown, paired,"
        " taught from or drafted, also when it is imported again, until you restore it. restore alone lists what you removed."
    )
    parser.add_argument("words", nargs="*", metavar="TITLE", help="show one source with its chapters and highlights")
    json_option(parser)
    parser.set_defaults(handler=sources)


def sources(options: argparse.Namespace) -> None:
    verb, *titles = options.words or [""]
    library, _ = open_library()
    with library:
        if verb == "restore" and not titles:
            _removed(library, options.json)
            return
        if verb == "remove" and not titles:
            raise Invalid("Which source is not said.", 'Like: notewright sources remove "A Title"; all titles: notewright sources')
        if verb in ("remove", "restore") and titles:
            _change(library, options, verb, titles)
            return
        if options.words:
            source = library.sources.find(" ".join(options.words))
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
        removed = len(library.hidden.parts())
    if options.json:
        as_json([{"source": source, "highlights": per_source[source.id]} for source in found])
        return
    rows = [(shorten(source.title), shorten(source.author, 30), source.kind, per_source[source.id]) for source in found]
    table(rows, "title", "author", "kind", "highlights", empty="No sources yet. Bring some in with: notewright import readwise PATH")
    if removed:
        say(f"{count(removed, 'source')} removed by you: notewright sources restore", file=sys.stderr)


def _change(library: Library, options: argparse.Namespace, verb: str, titles: Sequence[str]) -> None:
    """Remove or restore sources, and say what that means for what was made of them."""
    known = library.hidden.parts() if verb == "restore" else None
    found = {source.id: source.title for source in (library.sources.find(title, among=known) for title in titles)}
    highlights = sum(len(library.sources.highlights(key)) for key in found)
    if verb == "remove":
        library.hidden.remove(found)
    else:
        library.hidden.restore(found)
    if options.json:
        _removed(library, True)
        return
    names = "; ".join(found.values())
    print(f"Removed, with {count(highlights, 'highlight')}: {names}." if verb == "remove" else f"There again: {names}.")
    if verb == "remove":
        told_removed(library)
    if pairs_are_old(library):
        say(PAIR_AGAIN)


def told_removed(library: Library) -> None:
    """How what was removed comes back, and what still rests on it."""
    say("Your notes stay as they are. To take this back: notewright undo; to have one back later: notewright sources restore TITLE")
    rests = {dataset.id for dataset in library.datasets.all() if library.hidden.taught_by(dataset)}
    taught = [model.id for model in library.models.all() if model.dataset_id in rests]
    if taught:
        say(f"{', '.join(taught)} still rest{'s' * (len(taught) == 1)} on it; what is trained without it: notewright improve")


def _removed(library: Library, as_data: bool) -> None:
    parts = library.hidden.parts()
    found = [source for source in library.sources.all(include_removed=True) if source.id in parts]
    if as_data:
        as_json([{"source": source, "highlights": sorted(parts[source.id].highlights)} for source in found])
        return
    rows = [
        (shorten(item.title), shorten(item.author, 30), "all" if (part := parts[item.id]).whole else f"{len(part.highlights):,}")
        for item in found
    ]
    table(rows, "title", "author", "highlights removed", empty="You removed no source.")
