"""notewright token set|forget"""

from __future__ import annotations

import argparse
import sys

from ..errors import Invalid
from ..settings import load_settings


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="set|forget", required=True)
    store = actions.add_parser("set", help="read the token from the terminal or standard input and store it (readwise.io/access_token)")
    store.set_defaults(handler=set_token)
    actions.add_parser("forget", help="remove the stored token").set_defaults(handler=forget)


def set_token(options: argparse.Namespace) -> None:
    from getpass import getpass

    from ..importers.readwise_api import save_token, token_place

    token = (getpass("Readwise token (not shown): ") if sys.stdin.isatty() else sys.stdin.readline()).strip()
    if not token:
        raise Invalid("No token was given.", "Copy it from readwise.io/access_token and try again.")
    settings = load_settings()
    stored = save_token(settings, token)
    print(f"Stored in {stored}.")
    if (used := token_place(settings)) != stored:
        print(f"The one in {used} is used before it, as long as it is there.")


def forget(options: argparse.Namespace) -> None:
    from ..importers.readwise_api import forget_token, token_place

    settings = load_settings()
    print("Forgotten." if forget_token(settings) else "There was no stored token.")
    if place := token_place(settings):
        print(f"A token is still set in {place}; notewright does not touch that one.")
