"""notewright doctor"""

from __future__ import annotations

import argparse

from ..settings import load_settings
from .hints import say
from .show import as_json, facts, json_option, progress


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    json_option(parser)
    parser.set_defaults(handler=doctor)


def doctor(options: argparse.Namespace) -> int:
    from ..overview import checkup

    with progress("looking at the machine and the library"):  # torch alone takes many seconds to begin with
        found = checkup(load_settings())
    if options.json:
        as_json({"findings": found.findings, "problems": found.problems, "not_installed": found.absent})
        return 1 if found.problems else 0
    facts(found.findings)
    for name, gain in found.absent.items():
        print(f"not installed: {name:<15} {gain}")
    for problem in found.problems:
        say(f"PROBLEM: {problem}")
    print("\nAll is well." if not found.problems else f"\n{len(found.problems)} to mend.")
    return 1 if found.problems else 0
