"""One exception tree. Every message says what is wrong; every hint says what to do next.

Each face translates these once: the command line to one line plus the hint and exit code 1, the server to a status code.
Anything else that escapes a verb is a bug.
"""

from __future__ import annotations

from collections.abc import Sequence


class NotewrightError(Exception):
    """A problem the person can act on. `message` states it, `hint` names the next step."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotFound(NotewrightError):
    """A named source, draft, model or file does not exist."""


class Invalid(NotewrightError):
    """Bad input. Carries every problem found, so that one round of mending is enough."""

    def __init__(self, message: str, hint: str = "", problems: Sequence[str] = ()) -> None:
        super().__init__(message, hint)
        self.problems = tuple(problems)


class Unavailable(NotewrightError):
    """Something outside does not answer or refuses: the network, a token, a server."""


class OutOfMemory(Unavailable):
    """The machine's memory does not suffice; smaller settings may."""


class MissingExtra(NotewrightError):
    """An optional dependency is not installed; the hint is the command that installs it."""


class Busy(NotewrightError):
    """Another process holds the library, the run or the note."""


class Conflict(NotewrightError):
    """The note changed since it was read; nothing was written."""


class RunFailed(NotewrightError):
    """A training run ended badly; the hint points at its log."""
