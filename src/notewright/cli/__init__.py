"""The command line: parse, call a verb, show the result.

Commands are loaded when they are called, so that `notewright --help` starts at once and `notewright status` imports nothing heavy.
Errors are translated here, once: one line and a hint on stderr, exit code 1.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

from .. import __version__
from ..errors import Invalid, NotewrightError
from .hints import named_home, say
from .interrupts import patient_interrupts
from .terminal import plain_terminal

# name: (module in this package, one line of help), in the order a newcomer needs them
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "make the library and name your vault"),
    "demo": ("demo", "the whole journey on the bundled sample, in a throw-away home"),
    "status": ("status", "what is in the library, and the next command to type"),
    "doctor": ("doctor", "check Python, torch, device, memory, disk, vault and token"),
    "import": ("imports", "bring in highlights (readwise, kindle) and your notes (vault); take the last import back (undo)"),
    "sources": ("sources", "the books, articles and podcasts your highlights came from; remove and restore them"),
    "pair": ("pairs", "match highlights with the passages you wrote from them"),
    "pairs": ("pairs", "list, show, review, accept, reject and export pairs"),
    "dataset": ("dataset", "freeze training data from pairs, choices or edits"),
    "train": ("train", "teach a model your style and your taste"),
    "reward": ("reward", "how far learnt rewards may be trusted; what the reward model says of a draft"),
    "runs": ("train", "trainings so far"),
    "improve": ("improve", "rebuild from everything there is; promote only what is better on held-out work"),
    "report": ("report", "what came of it: your weeks, minutes saved, what was learnt, as a page to read"),
    "evaluate": ("evaluate", "measure a model on held-out sources"),
    "models": ("models", "versions: list, show, compare, use, roll back, prune"),
    "bases": ("bases", "open base models: what they need, which one fits here, download"),
    "draft": ("draft", "write candidate sections for a source"),
    "drafts": ("draft", "drafts so far"),
    "rank": ("rank", "order the candidates of a batch, reject them, comment"),
    "accept": ("accept", "put a draft into a note"),
    "templates": ("templates", "templates for new notes: list, show, infer"),
    "undo": ("undo", "take back the last insertion, judgement (of drafts or pairs) or removal of sources"),
    "serve": ("serve", "the studio in your browser, and the API for the plugin and scripts"),
    "sync": ("watch", "notice what you changed in inserted drafts since the last time"),
    "watch": ("watch", "notice it while you write, until Ctrl-C"),
    "feedback": ("feedback", "what you ranked, decided, commented and edited"),
    "taste": ("taste", "what it believes you like, and correcting it"),
    "rules": ("rules", "wishes from your comments that became rules"),
    "vault": ("vault", "look at a note as Obsidian shows it, check notes and links"),
    "plugin": ("plugin", "the Obsidian plugin: install it into your vault"),
    "token": ("token", "store or forget the Readwise token"),
    "completion": ("completion", "print a shell completion script"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (0 done, 1 an error the person can act on, 2 wrong usage, 130 interrupted)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if sys.stdout is None:  # closed by whoever called (>&-)
        sys.stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    if sys.stderr is None:  # likewise (2>&-)
        sys.stderr = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    if sys.stdin is None:  # likewise (<&-): there is nobody to ask, and nothing to read
        sys.stdin = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal or pipe that cannot show a letter is no reason to fail
    with plain_terminal(), patient_interrupts():
        return _run(arguments)


def _run(arguments: Sequence[str]) -> int:
    try:
        options = build_parser(arguments).parse_args(arguments)
        named_home(options.home or "", COMMANDS)
        if options.home:
            os.environ["NOTEWRIGHT_HOME"] = options.home
        code = options.handler(options)
        sys.stdout.flush()
        return int(code or 0)
    except NotewrightError as error:
        print(f"error: {error.message}", file=sys.stderr)
        if isinstance(error, Invalid):
            for problem in error.problems:
                if problem not in error.message:
                    print(f"  - {problem}", file=sys.stderr)
        if error.hint:
            say(f"hint: {error.hint}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, EOFError) as stopped:
        advice = "Stopped. The library is as it was before the unfinished step; run the same command to go on."
        say(f"\n{stopped if str(stopped) else advice}", file=sys.stderr)
        return 130
    except UnicodeEncodeError:
        odd = next((word for word in arguments if any("\ud800" <= letter <= "\udfff" for letter in word)), None)
        if odd is None:
            raise
        print(
            f"error: {odd!r} holds bytes that are not UTF-8 text.\nhint: Type it anew, or rename the file.",
            file=sys.stderr,
        )
        return 1
    except BrokenPipeError:
        _drop_output()  # the reader (head, less) has gone: not an error
        return 0
    except OSError as error:
        place = f": {error.filename}" if error.filename else ""
        print(f"error: {error.strerror or error}{place}", file=sys.stderr)
        print(f"hint: {_ADVICE.get(error.errno or 0, _USUAL_ADVICE)}", file=sys.stderr)
        if not error.filename:
            _drop_output()  # most likely it was the output itself
        return 1


_USUAL_ADVICE = "Check that the disk has room and that the place can be read and written, then run the same command."
_ADVICE = {
    errno.ENOENT: "Check the path.",
    errno.EISDIR: "That is a folder: name the file in it.",
    errno.ENOSPC: "Make room on that disk, then run the same command.",
    errno.EACCES: "Check the permissions there, then run the same command.",
    errno.EROFS: "Nothing can be written there: check the permissions and how the disk is mounted, or choose another place.",
}


def _drop_output() -> None:
    """Keep the interpreter from complaining about an output that cannot be written when it flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Parser(argparse.ArgumentParser):
    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.color = False  # Python 3.14 would colour its help, and a terminal is shown no escapes but rich's
        self.register("action", "parsers", _Commands)


class _Commands(argparse._SubParsersAction):  # type: ignore[type-arg]
    """Commands whose own help says what they do: what the list of commands says of them, unless they say more."""

    def add_parser(self, name: str, **named: Any) -> argparse.ArgumentParser:
        if line := named.get("help"):
            named.setdefault("description", f"{line[0].upper()}{line[1:]}.")
        parser: argparse.ArgumentParser = super().add_parser(name, **named)
        return parser


def build_parser(arguments: Sequence[str] = (), *, everything: bool = False) -> argparse.ArgumentParser:
    """The parser with the arguments of the command that `arguments` name, or of all commands (for shell completion)."""
    parser = _Parser(
        prog="notewright",
        description="Learns how you turn highlights into Obsidian notes, and writes the notes for you, on your own machine.",
        epilog="Start with: notewright demo, or notewright init --vault PATH",
    )
    parser.add_argument("--version", action="version", version=f"notewright {__version__}")
    parser.add_argument("--home", metavar="PATH", help="the library's folder (default: NOTEWRIGHT_HOME, else ~/.notewright)")
    parser.set_defaults(handler=lambda _: parser.print_help(), json=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    named = next((word for word in _words(arguments) if word in COMMANDS), "")
    for name, (module, help_line) in COMMANDS.items():
        command = commands.add_parser(name, help=help_line)
        if everything or name == named:
            importlib.import_module(f".{module}", __package__).configure(name, command)
    return parser


def _words(arguments: Sequence[str]) -> list[str]:
    """Arguments without the global option and its value."""
    words, skip = [], False
    for item in arguments:
        if not skip and item != "--home":
            words.append(item)
        skip = item == "--home"
    return words
