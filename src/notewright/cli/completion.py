"""notewright completion bash|zsh|tcsh"""

from __future__ import annotations

import argparse


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    parser.epilog = 'For bash: eval "$(notewright completion bash)" in ~/.bashrc'
    parser.set_defaults(handler=completion)


def completion(options: argparse.Namespace) -> None:
    import shtab

    from . import build_parser

    print(shtab.complete(build_parser(everything=True), shell=options.shell))
