"""notewright completion bash|zsh|tcsh|fish"""

from __future__ import annotations

import argparse

from .show import given_path

_EPILOG = """\
For bash: eval "$(notewright completion bash)" in ~/.bashrc
For fish: notewright completion fish > ~/.config/fish/completions/notewright.fish
"""


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh", "fish"))
    parser.epilog, parser.formatter_class = _EPILOG, argparse.RawDescriptionHelpFormatter
    parser.set_defaults(handler=completion)


def completion(options: argparse.Namespace) -> None:
    import shtab

    from . import build_parser

    parser = build_parser(everything=True)
    _name_places(parser)
    print(shtab.complete(parser, shell=options.shell))


def _name_places(parser: argparse.ArgumentParser) -> None:
    """Files and folders are offered where arguments name them: without this shells offer nothing there."""
    import shtab

    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _name_places(command)
        elif action.metavar in ("PATH", "FOLDER"):
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif action.type is given_path or action.dest == "file":
            action.complete = shtab.FILE  # type: ignore[attr-defined]
