"""notewright taste [show|correct|plot]"""

from __future__ import annotations

import argparse

from ..errors import Invalid
from ..settings import output_file
from .hints import say
from .reward import DOES
from .show import as_json, count, given_path, json_option, open_library

SHOWN = 14


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    json_option(parser)
    parser.set_defaults(handler=show, all=False)
    actions = parser.add_subparsers(metavar="show|correct|plot")
    showing = actions.add_parser("show", help="what it believes you like, the surest first")
    showing.add_argument("--all", action="store_true", help="every feature, also those it is unsure about")
    json_option(showing)
    showing.set_defaults(handler=show)
    correcting = actions.add_parser("correct", help="say it yourself (take it back with: notewright undo)")
    correcting.add_argument("feature", help="as notewright taste names it")
    correcting.add_argument(
        "--prefer",
        nargs="+",
        required=True,
        metavar=("more|less|about|indifferent", "VALUE"),
        help="about takes a value, in the unit shown",
    )
    json_option(correcting)
    correcting.set_defaults(handler=correct)
    plotting = actions.add_parser("plot", help="draw it as a PNG")
    plotting.add_argument("--out", type=given_path, metavar="FILE", help="default: taste.png in the library's folder")
    json_option(plotting)
    plotting.set_defaults(handler=plot)


def show(options: argparse.Namespace) -> None:
    from ..reward import beliefs, taste_of, times_judged
    from ..reward.trust import trust

    library, _ = open_library()
    with library:
        found, head, judged = beliefs(library), taste_of(library), trust(library).of("taste")
        evidence = times_judged(library)
    if options.json:
        as_json({"notes": head.scale.notes, "evidence": evidence, "beliefs": found, "trust": judged})
        return
    kept = [item for item in found if options.all or item.corrected or item.sure != "unsure"][: None if options.all else SHOWN]
    notes, times = count(head.scale.notes, "finished passage"), count(evidence, "time")
    print(f"From {notes} of yours, and what you said of drafts or did with them {times}:")
    for item in kept:
        print(f"  {item.sentence}{' - as you said' if item.corrected else ''}")
    if not kept:
        say("  nothing sure yet. Rank some drafts: notewright rank")
    elif not options.all and len(kept) < len(found):
        say("The rest: notewright taste show --all. Something is wrong? notewright taste correct FEATURE --prefer less (see --help)")
    print(f"It may {DOES[judged.level]}: {judged.why}.")


def correct(options: argparse.Namespace) -> None:
    from ..reward import beliefs
    from ..reward import correct as record

    prefer, value = options.prefer[0], None
    if len(options.prefer) > 2:
        raise Invalid(f"{' '.join(options.prefer)!r} is too much.", "Like: --prefer about 4")
    if len(options.prefer) == 2:
        try:
            value = float(options.prefer[1].rstrip("%")) / (100 if options.prefer[1].endswith("%") else 1)
        except ValueError as error:
            raise Invalid(f"{options.prefer[1]!r} is no number.", "Like: --prefer about 4") from error
    library, _ = open_library()
    with library:
        event = record(library, feature=options.feature, prefer=prefer, value=value)
        now = next(item for item in beliefs(library) if item.feature == options.feature)
    if options.json:
        as_json(event)
        return
    say(f"Noted: {now.sentence}. Take it back with: notewright undo")


def plot(options: argparse.Namespace) -> None:
    from ..reward import plot as draw

    library, settings = open_library()
    with library:
        path = draw(library, output_file(options.out, settings, default=library.home / "taste.png"))
    as_json({"plot": path}) if options.json else print(path)
