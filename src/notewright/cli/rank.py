"""notewright rank"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import Invalid
from ..library import Library
from ..records import Draft, Event
from .draft import print_candidates, whereabouts
from .hints import say
from .show import as_json, id_of, json_option, open_library
from .terminal import plain

if TYPE_CHECKING:
    from ..reward import Rule

MANY = 100_000  # batches: all
CHIPS = {
    "l": "too long", "s": "too short", "t": "wrong structure", "h": "lost a highlight", "v": "not my voice", "i": "invented",
}  # fmt: skip
ASPECTS = {"s": "structure", "c": "content", "v": "voice"}
HELP = """Best first, by number: 2 1 3. Ties with =: 2=3 1. Leave out those you do not want to order; a single number is the best of all.
x rejects all. After the order, if you like, tick what is good in which: 2 1 2:structure,voice 1:content (or 2 1 2:sv 1:c).
Then, if you like, a reason: l too long, s too short, t wrong structure, h lost a highlight, v not my voice, i invented,
or any words of your own."""


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    parser.add_argument("batch", type=id_of("batch"), nargs="?", default="", help="default: the newest")
    parser.add_argument(
        "--each", action="store_true", help="one after the other, the oldest first, all that nobody has ranked, rejected or put into a note"
    )
    parser.add_argument("--order", metavar='"2 1=3"', help="best first, = for a tie, x for none of them; asked for when not given")
    parser.add_argument("--good", metavar='"2:sv 1:c"', default="", help="ticks: which drafts are good in structure, content or voice")
    parser.add_argument("--comment", default="", help="a remark kept with the ranking")
    parser.epilog = HELP
    json_option(parser)
    parser.set_defaults(handler=rank)


def rank(options: argparse.Namespace) -> None:
    library, _ = open_library()
    with library:
        if options.each:
            _rank_each(library, options)
            return
        if options.batch:
            drafts = library.drafts.batch(options.batch)
        else:
            newest, _ = library.browse.batches(limit=1)
            if not newest:
                raise Invalid("There are no drafts to rank.", "Write some with: notewright draft --source TITLE")
            drafts = library.drafts.batch(newest[0].id)
        order, comment, seconds = options.order, options.comment, None
        if order is None:
            order, comment, seconds = ask(drafts, _about(library, drafts))
        event, best = _noted(library, drafts, order, comment, seconds, good=options.good)
        proposed = _suggested(library, event, asking=options.order is None)
    if options.json:
        as_json(event)
        return
    say(f"Noted. To put the best one into a note: notewright accept {best} --into NOTE" if best else "Noted: all rejected.")
    _say_rules(proposed)


def _rank_each(library: Library, options: argparse.Namespace) -> None:
    """What is typed counts at once; an empty line leaves a batch for later, q all the rest."""
    if options.batch or options.order is not None or options.good or options.comment or options.json:
        raise Invalid("--each asks about one batch after the other.", "Leave the batch and the other options out, or --each.")
    batches, _ = library.browse.batches(limit=MANY)
    left = [view.id for view in reversed(batches) if not (view.ranked or view.rejected or view.accepted)]
    if not left:
        raise Invalid("No candidates wait for your judgement.", "Write some with: notewright draft --source TITLE --each")
    chosen: dict[str, list[str]] = {}
    for place, batch_id in enumerate(left, 1):
        drafts = library.drafts.batch(batch_id)
        order, comment, seconds = ask(drafts, f"{place} of {len(left)}: {_about(library, drafts)}", later=True, explained=place > 1)
        if order == "q":
            break
        if order:
            event, best = _noted(library, drafts, order, comment, seconds)
            _say_rules(_suggested(library, event, asking=True))
            if best:
                chosen.setdefault(drafts[0].source_id, []).append(best)
    for source_id, named in chosen.items():
        print(f"The best of {plain(library.sources.get(source_id).title)}:")
        say(f"  notewright accept {' '.join(item.removeprefix('draft-') for item in named)} --into NOTE")


def _about(library: Library, drafts: Sequence[Draft]) -> str:
    return " · ".join(filter(None, whereabouts(library, drafts)[drafts[0].batch_id]))


def _noted(
    library: Library, drafts: Sequence[Draft], order: str, comment: str, seconds: float | None, *, good: str = ""
) -> tuple[Event, str]:
    """(what is stored, the best draft if not all were rejected)"""
    from .. import feedback

    order, ticks = split_ticks(order)
    groups, reject_all = parse_order(order, drafts)
    best_only = not reject_all and len(drafts) > 1 and list(map(len, groups)) == [1]
    chips = [CHIPS[comment]] if comment in CHIPS else []
    event = feedback.rank(
        library, batch_id=drafts[0].batch_id, order=groups, rejected=[item.id for item in drafts] if reject_all else (),
        best_only=best_only, aspects=parse_ticks(f"{ticks} {good}", drafts), comment="" if chips else comment, chips=chips, seconds=seconds,
    )  # fmt: skip
    return event, "" if reject_all else groups[0][0]


def _suggested(library: Library, event: Event, *, asking: bool) -> list[Rule]:
    """Rules that the remark suggests; those of words are asked about at once where somebody is `asking`, and left out then."""
    from .. import reward
    from .rules import ask as ask_rules

    said = event.payload["comment"] or event.payload["chips"]
    proposed = [rule for rule in reward.propose_rules(library) if event.id in rule.events] if said else []
    if asking and event.payload["comment"]:
        ask_rules(library, proposed)
        return []
    return proposed


def _say_rules(proposed: Sequence[Rule]) -> None:
    for rule in proposed:
        say(f"Your remark suggests a rule, {rule.text!r} ({rule.acts}). To confirm it: notewright rules confirm {rule.name}")


def parse_order(order: str, drafts: Sequence[Draft]) -> tuple[list[list[str]], bool]:
    """`2 1=3` -> ([[id of 2], [ids of 1 and 3]], False); `x` -> ([], True). Raises Invalid naming what was not understood."""
    if order.strip().lower() == "x":
        return [], True
    by_number = {str(item.position + 1): item.id for item in drafts}
    groups = [part.split("=") for part in order.replace(",", " ").replace(">", " ").split()]
    named = [number for group in groups for number in group]
    bad = [number or "an empty place" for number in named if number not in by_number]
    if bad or not named or len(set(named)) != len(named):
        what = f"does not know {', '.join(bad)}" if bad else "names no draft" if not named else "names a draft twice"
        raise Invalid(
            f"The order {order!r} {what}.", f"Use the numbers 1 to {len(drafts)}, best first, each at most once; = for ties; x for none."
        )
    return [[by_number[number] for number in group] for group in groups], False


def split_ticks(order: str) -> tuple[str, str]:
    """`2 1 2:sv` -> ("2 1", "2:sv")."""
    parts = order.split()
    return " ".join(part for part in parts if ":" not in part), " ".join(part for part in parts if ":" in part)


def parse_ticks(text: str, drafts: Sequence[Draft]) -> dict[str, list[str]]:
    """`2:sv 1:content` -> {id of 2: [structure, voice], id of 1: [content]}. Raises Invalid naming what was not understood."""
    by_number = {str(item.position + 1): item.id for item in drafts}
    ticks: dict[str, list[str]] = {}
    for part in text.split():
        number, _, names = part.partition(":")
        known = [name for word in names.split(",") for name in ([word] if word in ASPECTS.values() else map(ASPECTS.get, word))]
        if number not in by_number or not known or None in known:
            raise Invalid(f"The tick {part!r} was not understood.", "Like 2:structure,voice or 2:sv; s structure, c content, v voice.")
        ticks[by_number[number]] = list(dict.fromkeys(str(name) for name in known))
    return ticks


def ask(drafts: Sequence[Draft], about: str, *, later: bool = False, explained: bool = False) -> tuple[str, str, float]:
    """Show what the candidates are about and them, and ask until the order is understood; returns (order, comment, seconds taken). With
    `later` the order may be empty, or q."""
    if not sys.stdin.isatty():
        raise Invalid("There is no terminal to ask at.", 'Give the order: notewright rank BATCH --order "2 1 3"')
    started = time.monotonic()
    print(f"{plain(about)}\n")
    print_candidates(drafts)
    if not explained:
        print(HELP)
    if later:
        print("An empty line leaves it for later, q all that are left.")
    while True:
        order = input("order> ").strip()
        if later and order.lower() in ("", "q"):
            return order.lower(), "", 0.0
        try:
            parse_order(split_ticks(order)[0], drafts)
            parse_ticks(split_ticks(order)[1], drafts)
            break
        except Invalid as problem:
            say(f"{problem.message} {problem.hint}")
    return order, input("why> ").strip(), round(time.monotonic() - started, 1)
