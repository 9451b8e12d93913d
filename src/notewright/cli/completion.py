"""notewright completion bash|zsh|fish|tcsh|powershell"""

from __future__ import annotations

import argparse

SHELLS = {
    "bash": 'eval "$(notewright completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(notewright completion zsh)" in ~/.zshrc, after compinit',
    "fish": "notewright completion fish > ~/.config/fish/completions/notewright.fish",
    "tcsh": "notewright completion tcsh > ~/.notewright.tcsh, and source that in ~/.tcshrc",
    "powershell": "notewright completion powershell | Out-String | Invoke-Expression in your $PROFILE",
}


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=tuple(SHELLS))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join(f"{shell + ':':12}{how}" for shell, how in SHELLS.items())
    parser.set_defaults(handler=completion)


def completion(options: argparse.Namespace) -> None:
    import shtab

    from . import build_parser

    print(shtab.complete(build_parser(everything=True), shell=options.shell))
