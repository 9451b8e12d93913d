"""notewright pair, notewright pairs list|show|review|accept|reject|add|export"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import PurePosixPath

from ..library.examples import BESIDE_WORDS
from ..provenance import provenance
from ..settings import output_file
from .accept import inside
from .hints import say
from .review import KEYS, review
from .show import as_json, count, facts, given_path, id_of, json_option, list_action, open_library, positive, progress, shorten, table
from .terminal import for_programs

SILENT_SHOWN = 10  # notes that point at a source and have no pair


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    if name == "pair":
        workers = "processes for a large library (default: one for each core, at most 8)"
        parser.add_argument("--workers", type=positive, default=0, metavar="N", help=workers)
        meaning = "also compare sentences by meaning, for paraphrases (the extra notewright[embeddings]; default: as config.toml says)"
        parser.add_argument("--embeddings", action=argparse.BooleanOptionalAction, help=meaning)
        json_option(parser)
        parser.set_defaults(handler=pair)
        return
    actions = parser.add_subparsers(metavar="list|show|review|accept|reject|add|export")
    listing = list_action(parser, actions, list_pairs, "all pairs, or those of one status")
    listing.add_argument("--status", choices=("proposed", "accepted", "rejected"), default="", help="only these (default: all)")
    parser.set_defaults(status="")
    show = actions.add_parser("show", help="one pair: its highlights, its passage, and why they belong together")
    show.add_argument("id", type=id_of("pair"), help="as notewright pairs lists it, or its number alone")
    json_option(show)
    show.set_defaults(handler=show_pair)
    look = actions.add_parser("review", help="the most useful undecided pairs, side by side; decide by a letter", epilog=KEYS)
    look.add_argument("--limit", type=positive, default=0, metavar="N", help="stop after N pairs")
    look.set_defaults(handler=review)
    for word, status in (("accept", "accepted"), ("reject", "rejected")):
        action = actions.add_parser(word, help=f"say that pairs are {'right' if word == 'accept' else 'wrong'}; never overwritten")
        action.add_argument("ids", type=id_of("pair"), nargs="+", metavar="ID", help="as notewright pairs lists it, or its number alone")
        action.set_defaults(handler=decide, status=status)
    add = actions.add_parser("add", help="say yourself which highlights a note was written from: where it says them in words of your own")
    add.add_argument("note", metavar="NOTE", help="its path in the vault")
    add.add_argument("--under", default="", metavar="HEADING", help="what stands under this heading of it (needed where it has several)")
    add.add_argument("--source", required=True, metavar="TITLE", help="its title, a part of it, or its id")
    add.add_argument("--chapter", default=None, help='the highlights of this chapter; "" for those without one')
    chosen = (
        "these highlights (then no --chapter), by the numbers or ids in: notewright sources TITLE; FIRST..LAST is all from one to another"
    )
    add.add_argument("--highlights", nargs="+", default=[], metavar="ID", help=chosen)
    json_option(add)
    add.set_defaults(handler=add_pair)
    export = actions.add_parser("export", help="JSON lines, one per highlight and passage")
    export.add_argument("path", type=given_path, nargs="?", help="the file to write (default: standard output)")
    export.set_defaults(handler=export_pairs)


def pair(options: argparse.Namespace) -> None:
    from .. import pairing

    library, settings = open_library()
    with library, progress("pairing", unit="notes") as advance:
        report = pairing.pair(library, settings=settings, workers=options.workers, embeddings=options.embeddings, progress=advance)
        paired = len({link.highlight_id for found in library.pairs.all() for link in found.links})
        counts = library.counts()
    if options.json:
        as_json(report)
        return
    if not paired:
        say(_why_none(counts))
        return
    print(f"{count(report.added, 'pair')} new, {report.kept:,} kept, {report.removed:,} gone, {report.decided:,} decided by you;", end=" ")
    say(f"{count(paired, 'highlight')} in them. Look at them with: notewright pairs list")
    if beside := sum(report.by_method.get(method, 0) for method in BESIDE_WORDS):
        say(
            f"{count(beside, 'proposal')} by place or figures alone, as the words are others or of another language: these teach once"
            " you have accepted them (notewright pairs review)."
        )
    if report.notes_silent:
        points = "1 note points" if report.notes_silent == 1 else f"{report.notes_silent:,} notes point"
        print(f"{points} at a source, and none of its highlights was recognised:")
        for path in report.silent[:SILENT_SHOWN]:
            print(f"  {path}")
        if report.notes_silent > SILENT_SHOWN:
            print(f"  and {report.notes_silent - SILENT_SHOWN:,} more")
        say("If one is there in other words, say so: notewright pairs add NOTE --under HEADING --source TITLE --chapter CHAPTER")
    if options.embeddings and not settings.embeddings:
        print(
            "This once by meaning too: the next pairing, the studio's as well, takes back what it alone found and you have not accepted.\n"
            f"To keep it so, write into {settings.home / 'config.toml'}: embeddings = true"
        )


def _why_none(counts: Mapping[str, int]) -> str:
    if not counts["highlights"]:
        return "Nothing to pair: there are no highlights yet. Bring some in with: notewright import readwise PATH"
    if counts["notes"] and not counts["passages"]:
        return "Nothing to pair: no note of yours has a passage of text yet. When one has, read it with: notewright import vault"
    if not counts["passages"]:
        return "Nothing to pair: there are no notes yet. Read your vault with: notewright import vault"
    return (
        f"None of the {counts['passages']:,} passages was recognised as written from a highlight. Are these the right notes and highlights?"
        " If they say highlights in other words or in another language, name one yourself:"
        " notewright pairs add NOTE --under HEADING --source TITLE --chapter CHAPTER"
    )


def list_pairs(options: argparse.Namespace) -> None:
    library, _ = open_library()
    with library:
        pairs = library.pairs.all(status=options.status)
        titles = {source.id: source.title for source in library.sources.all(include_removed=True)}
    if options.json:
        as_json(pairs)
        return
    narrow = sys.stdout.isatty()  # a whole path, folded, made a row of eight lines
    rows = [
        (
            found.id,
            found.status,
            f"{found.score:.2f}",
            found.method,
            len(found.links),
            shorten(titles.get(found.source_id, ""), 40),
            PurePosixPath(found.note_path).stem if narrow else found.note_path,
            shorten(found.headings[-1] if found.headings else "", 40),
        )
        for found in pairs
    ]
    table(rows, "pair", "status", "score", "method", "highlights", "source", "note", "passage", empty=_no_pairs(options.status))


def _no_pairs(status: str) -> str:
    return f"No {status} pairs. See all with: notewright pairs list" if status else "No pairs yet. Make some with: notewright pair"


def show_pair(options: argparse.Namespace) -> None:
    from ..pairing import explain

    library, _ = open_library()
    with library:
        found = library.pairs.get(options.id)
        source = library.sources.get(found.source_id)
        highlights = {link.highlight_id: library.sources.highlight(link.highlight_id) for link in found.links}
        why = explain(found, merged=found.id in library.pairs.merged())
    spans = provenance(found.passage_text, list(highlights.values()))
    if options.json:
        as_json({"pair": found, "source": source, "highlights": list(highlights.values()), "spans": spans})
        return
    facts({"pair": found.id, "status": found.status, "score": f"{found.score:.2f}", "source": source.title, "note": found.note_path})
    print(f"why     {why}\n")
    for number, link in enumerate(found.links, 1):
        print(f"  {number:>2} {link.score:.2f} {link.method:<9} {shorten(highlights[link.highlight_id].text, 90)}")
        if link.evidence:
            print(f"                 {link.evidence}")
    print()
    for span in spans:
        on = ", ".join(f"{rest.highlight + 1} {rest.method} {rest.score:.2f}" for rest in span.rests) or "your own"
        print(f"  {shorten(found.passage_text[span.start : span.end], 90)}\n                 <- {on}")
    print(f"\n{found.passage_text}")


def decide(options: argparse.Namespace) -> None:
    library, _ = open_library()
    decided, already = 0, []
    with library, library.db.write():
        for pair_id in options.ids:
            last = library.events.last()
            library.pairs.decide(pair_id, options.status)
            if library.events.last() > last:
                decided += 1
            else:
                already.append(pair_id)
    if already:
        print(f"{', '.join(already)} {'is' if len(already) == 1 else 'are'} {options.status} already.")
    if decided:
        say(f"{count(decided, 'pair')} {options.status}. To take that back: notewright undo{f' {decided}' if decided > 1 else ''}")


def add_pair(options: argparse.Namespace) -> None:
    from .. import drafting, pairing

    library, settings = open_library()
    with library, library.db.write():
        chosen = drafting.named_highlights(library, source=options.source, names=options.highlights)
        prompt = drafting.choose_prompt(library, source=options.source, chapter=options.chapter, highlight_ids=chosen)
        last = library.events.last()
        passages = pairing.passages_under(library, inside(settings, options.note), options.under)
        named = [item.id for item in prompt.highlights]
        found = pairing.add(library, passages=passages, source_id=prompt.source.id, highlight_ids=named)
        done = len(library.events.all("pair", after=last))
    if options.json:
        as_json(found)
        return
    back = f" To take that back: notewright undo{f' {done}' if done > 1 else ''}" if done else " It was so already."
    say(f"{', '.join(item.id for item in found)} accepted, with {count(len(prompt.highlights), 'highlight')}.{back}")


def export_pairs(options: argparse.Namespace) -> None:
    from ..pairing.export import export_pairs as export

    library, settings = open_library()
    with library:
        rows = export(library, path=output_file(options.path, settings) if options.path else for_programs())
    if options.path:
        print(f"{count(rows, 'row')} written to {options.path}", file=sys.stderr)
