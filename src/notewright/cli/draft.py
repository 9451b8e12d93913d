"""notewright draft, notewright drafts [list|show]"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from ..errors import Invalid
from ..library import Library
from ..records import Draft
from ..settings import Settings
from ..text import count
from .hints import say
from .show import as_json, id_of, json_option, list_action, open_library, progress, shorten, table
from .terminal import plain

TOLD = 5  # findings of a draft that are said where it was not asked for alone


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    if name == "drafts":
        actions = parser.add_subparsers(metavar="list|show")
        listing = list_action(parser, actions, list_drafts, "drafts so far, newest last")
        parser.set_defaults(all=False)
        listing.add_argument("--all", action="store_true", help="also those that were held back, or prepared ahead and not seen yet")
        show = actions.add_parser("show", help="one draft, or all candidates of a batch")
        show.add_argument("id", type=id_of("draft"), help="a draft or a batch")
        json_option(show)
        show.set_defaults(handler=show_drafts)
        return
    parser.add_argument("--source", required=True, metavar="TITLE", help="its title, a part of it, or its id")
    parser.add_argument("--chapter", default=None, help='only the highlights of this chapter; "" for those without one')
    parser.add_argument("--each", action="store_true", help="every chapter that has neither a note nor candidates yet, one after the other")
    parser.add_argument(
        "--highlights",
        nargs="+",
        default=[],
        metavar="ID",
        help="only these (then no --chapter), by the numbers or ids in: notewright sources TITLE; FIRST..LAST is all from one to another",
    )
    parser.add_argument(
        "-n", type=int, default=None, choices=range(1, 9), metavar="N", help="how many to show (default 2 to 4: fewer as you accept more)"
    )
    parser.add_argument(
        "--written",
        type=int,
        default=None,
        choices=range(1, 17),
        metavar="N",
        help="how many to write, never fewer than are shown (default 8; 4 where that is slow)",
    )
    parser.add_argument("--instruction", default="", help="a wish for this draft, in words")
    parser.add_argument("--temperature", type=float, default=0.8, help="0 writes the likeliest text; higher differs more (default 0.8)")
    parser.add_argument("--seed", type=int, default=None, help="to get the same candidates again")
    parser.add_argument("--model", type=id_of("model"), default="", metavar="ID", help="default: the current one")
    json_option(parser)
    parser.set_defaults(handler=draft)


def draft(options: argparse.Namespace) -> None:
    from .. import drafting

    library, settings = open_library()
    if options.each:
        with library:
            _draft_each(library, settings, options)
        return
    with library:
        chosen = drafting.named_highlights(library, source=options.source, names=options.highlights)
        try:
            drafts = _written(library, settings, options, "drafting", source=options.source, chapter=options.chapter, highlight_ids=chosen)
        except drafting.TooMany as several:
            raise Invalid(several.message, f"For all of them, one after the other: --each. {several.hint}") from several
        fewer = drafting.why_fewer(drafts)
        if fewer and len(library.drafts.batch(drafts[0].batch_id, unshown=True)) > len(drafts):
            fewer += " To see the others: notewright drafts list --all"
    if options.json:
        as_json(drafts)
        return
    print_candidates(drafts)
    for told in filter(None, (drafting.told_parts(drafts), fewer, _stood_in(drafts))):
        say(told)
    rank = f"notewright rank {drafts[0].batch_id}   or   " if len(drafts) > 1 else ""
    say(f"Next: {rank}notewright accept {drafts[0].id} --into NOTE")


def _written(library: Library, settings: Settings, options: argparse.Namespace, what: str, **about: Any) -> list[Draft]:
    from .. import drafting

    with progress(what, unit="tokens at most") as advance:
        return drafting.draft(
            library, settings=settings, n=options.n, written=options.written, model_id=options.model, temperature=options.temperature,
            seed=options.seed, instruction=options.instruction, progress=advance, **about,
        )  # fmt: skip


def _draft_each(library: Library, settings: Settings, options: argparse.Namespace) -> None:
    """A chapter that cannot be drafted is said and left out; what is written is stored chapter by chapter."""
    from .. import drafting

    if options.chapter is not None or options.highlights:
        raise Invalid("--each is for all chapters, and --chapter and --highlights name some.", "Leave --each or the other out.")
    source = library.sources.find(options.source)
    left = drafting.chapters_left(library, source.id)
    if not left:
        raise Invalid(
            f"Every chapter of {source.title!r} has a note or candidates already.", "For other candidates name it: --chapter CHAPTER"
        )
    written: list[Draft] = []
    for place, view in enumerate(left, 1):
        name = view.chapter or "(no chapter)"
        try:
            drafts = _written(library, settings, options, f"{place} of {len(left)}, {name}", source=source.id, chapter=view.chapter)
        except Invalid as refused:
            say(f"{name}: left out. {refused.message}", file=sys.stderr)
            continue
        written += drafts
        if not options.json:
            about = f"{name} ({count(view.highlights, 'highlight')}): {count(len(drafts), 'candidate')}"
            problems = sum(bool(item.problems) for item in drafts)
            print(f"{drafts[0].batch_id}  {plain(about)}{f', {problems} with problems' if problems else ''}", flush=True)
    if options.json:
        as_json(written)
    elif written:
        say("Next: notewright rank --each")


def _stood_in(drafts: Sequence[Draft]) -> str:
    """Who was asked too, as those whose turn it was wrote too little without problems; empty where nobody was."""
    from ..models.turns import asked

    versions = asked(drafts)
    plain = next((item.model_id for item in drafts if item.model_id not in versions), "")
    return f"As what {' and '.join(versions)} wrote has problems, the plain base ({plain}) was asked too." if plain else ""


def print_candidates(drafts: Sequence[Draft], *, blind: bool = False, whole: bool = False) -> None:
    """Candidates one under the other, numbered as `rank` numbers them; what the gates found below each: ! blocks, ? only warns, and of
    many warnings (a long chapter has a highlight in each) the first few, unless the `whole` is asked for.

    Who wrote which is not said where two versions wrote, nor where `blind`.
    """
    from rich.console import Console
    from rich.rule import Rule
    from rich.text import Text

    console = Console()
    blind = blind or len({item.model_id for item in drafts}) > 1
    for item in drafts:
        writer = "" if blind else item.model_id
        if console.is_terminal:
            console.print(Rule(Text(plain(f"{item.position + 1}   {item.id}   {writer}".rstrip())), align="left"))
        else:
            print(f"--- {item.position + 1}  {item.id}  {writer}".rstrip())
        print(item.text)
        for problem in item.problems:
            print(f"! {problem}")
        for warning in item.warnings if whole else item.warnings[:TOLD]:
            print(f"? {warning}")
        if not whole and len(item.warnings) > TOLD:
            say(f"? and {len(item.warnings) - TOLD} more: notewright drafts show {item.id}")
        print()


def whereabouts(library: Library, drafts: Sequence[Draft]) -> dict[str, tuple[str, str]]:
    """Title and chapter of each batch; the chapter in brackets where it is several, or none of a source that has some."""
    wanted = {item.source_id for item in drafts}
    titles = {source.id: source.title for source in library.sources.all(include_removed=True) if source.id in wanted}
    several = library.browse.several_chapters()
    divided = {view.source_id for view in library.browse.chapters(source_ids=wanted) if view.chapter}

    def chapter(item: Draft) -> str:
        return "(several chapters)" if item.batch_id in several else item.chapter or ("(no chapter)" if item.source_id in divided else "")

    return {item.batch_id: (titles.get(item.source_id, ""), chapter(item)) for item in drafts}


def list_drafts(options: argparse.Namespace) -> None:
    from ..models.turns import written_by

    library, _ = open_library()
    with library:
        drafts = library.drafts.all(unshown=options.all, unseen=options.all)
        several = library.browse.several_chapters()
        about = whereabouts(library, drafts)
    if options.json:
        told = [{field.name: getattr(item, field.name) for field in fields(item)} for item in drafts]
        as_json([row | ({"chapter": None} if row["batch_id"] in several else {}) for row in told])
        return
    writers: dict[str, list[str]] = {}
    for item in drafts:
        writers.setdefault(item.batch_id, []).append(item.model_id)
    rows = [
        (
            item.id,
            item.batch_id,
            written_by(writers[item.batch_id]),
            shorten(about[item.batch_id][0], 30),
            about[item.batch_id][1],
            shorten(item.text, 40),
        )
        for item in drafts
    ]
    table(
        rows,
        "draft",
        "batch",
        "model",
        "source",
        "chapter",
        "text",
        empty="No drafts yet. Write some with: notewright draft --source TITLE",
    )


def show_drafts(options: argparse.Namespace) -> None:
    library, _ = open_library()
    with library:
        found = library.drafts.batch(options.id) if options.id.startswith("batch-") else [library.drafts.get(options.id)]
        writers = {item.model_id for item in library.drafts.batch(found[0].batch_id)}
        library.drafts.seen(found[0].batch_id)
    as_json(found) if options.json else print_candidates(found, blind=len(writers) > 1, whole=True)
