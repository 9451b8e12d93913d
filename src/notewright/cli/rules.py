"""notewright rules [list|propose|confirm|edit|remove|add]"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .hints import say
from .show import as_json, json_option, open_library, table

if TYPE_CHECKING:
    from ..library import Library
    from ..reward import Rule


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    json_option(parser)
    parser.set_defaults(handler=list_rules)
    actions = parser.add_subparsers(metavar="list|propose|confirm|edit|remove|add")
    for action, handler, told in (
        ("list", list_rules, "the rules that hold, and what each does"),
        ("propose", propose, "what your comments ask for; in a terminal each is confirmed or dropped with one key"),
    ):
        command = actions.add_parser(action, help=told)
        json_option(command)
        command.set_defaults(handler=handler)
    for action, told in (
        ("confirm", "make a proposal a rule"),
        ("edit", "say a rule in other words; its name follows them"),
        ("remove", "a rule that no longer holds, or a proposal you do not want"),
        ("add", "a rule in your own words"),
    ):
        command = actions.add_parser(action, help=told)
        if action != "add":
            command.add_argument("name", help="as list or propose names it")
        if action in ("add", "edit"):
            command.add_argument(
                "text", nargs="+", metavar="TEXT", help='such as "callouts for definitions", "at most 5 bullets", "no tables"'
            )
        json_option(command)
        command.set_defaults(handler=change, action=action)


def list_rules(options: argparse.Namespace) -> None:
    from .. import reward

    library, _ = open_library()
    with library:
        rules = reward.confirmed_rules(library)
        waiting = len(reward.propose_rules(library))
    if options.json:
        as_json([_plain(rule) for rule in rules])
        return
    table(
        [(rule.name, rule.text, rule.acts) for rule in rules],
        "rule",
        "in your words",
        "what it does",
        empty='No rules yet. Say one: notewright rules add "no tables"',
    )
    if waiting:
        say(f"Your comments and notes suggest {waiting}{' more' if rules else ''}: notewright rules propose")


def propose(options: argparse.Namespace) -> None:
    from .. import reward

    library, _ = open_library()
    with library:
        found = reward.propose_rules(library)
        if options.json:
            as_json([_plain(rule) for rule in found])
        elif found and sys.stdin.isatty():
            ask(library, found)
        else:
            rows = [
                (rule.name, rule.text, rule.acts, f"asked {len(rule.events)}x" if rule.events else "your notes do so") for rule in found
            ]
            table(rows, "proposal", "in your words", "what it would do", "why", empty="Your comments and notes suggest nothing new.")


def ask(library: Library, proposals: Sequence[Rule]) -> None:
    """Each proposal with one key: y makes it a rule, n drops it for good, anything else leaves it for later."""
    from .. import reward

    for rule in proposals:
        answer = input(f"Make it a rule: {rule.text!r} ({rule.acts})? [y/n/later] ").strip().lower()[:1]
        if answer == "y":
            reward.confirm_rule(library, rule.name)
            say(f"  It is a rule now. Change it: notewright rules edit {rule.name} TEXT")
        elif answer == "n":
            reward.remove_rule(library, rule.name)


def change(options: argparse.Namespace) -> None:
    from .. import reward

    library, _ = open_library()
    with library:
        match options.action:
            case "confirm":
                event = reward.confirm_rule(library, options.name)
            case "edit":
                event = reward.edit_rule(library, options.name, " ".join(options.text))
            case "remove":
                event = reward.remove_rule(library, options.name)
            case _:
                event = reward.add_rule(library, " ".join(options.text))
        rule = next(item for item in reward.all_rules(library) if item.name == event.subject)
    if options.json:
        as_json(_plain(rule))
        return
    print(f"Removed: {rule.name}." if rule.status == "removed" else f"{rule.name}: {rule.acts}.")


def _plain(rule: Rule) -> dict[str, object]:
    return {
        "name": rule.name, "text": rule.text, "status": rule.status, "acts": rule.acts, "in_prompt": rule.in_prompt, "effect": rule.effect,
        "events": rule.events,
    }  # fmt: skip
