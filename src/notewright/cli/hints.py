"""Commands that are named to the person: typed as they stand, they go to the library that is spoken of.

Who named it by `--home` types that again; where the environment names it there is nothing to add.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TextIO

_ELSEWHERE = ("demo", "bases", "completion")  # these look into no library
_asked: tuple[re.Pattern[str], str] | None = None


def named_home(home: str, commands: Iterable[str]) -> None:
    """From now on commands are named with this home; with none where `home` is empty."""
    global _asked
    _asked = None
    if home:
        import shlex  # most commands are called without

        names = "|".join(name for name in commands if name not in _ELSEWHERE)
        _asked = re.compile(rf"\bnotewright (?=(?:{names})\b)"), f"notewright --home {shlex.quote(home)} "


def at_home(text: str) -> str:
    """The text, in which each `notewright COMMAND` has the home that was asked for."""
    return _asked[0].sub(lambda _: _asked[1], text) if _asked else text


def say(text: str, *, end: str = "\n", file: TextIO | None = None, flush: bool = False) -> None:
    """Print what names commands. What others wrote (notes, drafts, highlights) is printed by itself: it stays as it is."""
    print(at_home(text), end=end, file=file, flush=flush)
