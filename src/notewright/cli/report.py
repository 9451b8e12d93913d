"""notewright report"""

from __future__ import annotations

import argparse

from ..settings import output_file
from .show import as_json, given_path, json_option, open_library


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=given_path, metavar="FILE", help="default: reports/report.html in the library's folder")
    parser.add_argument("--open", action="store_true", help="show it in the browser")
    parser.add_argument("--writing", type=float, default=None, metavar="N", help="words a minute you write by yourself (default 19)")
    parser.add_argument("--reading", type=float, default=None, metavar="N", help="words a minute you read (default 238)")
    json_option(parser)
    parser.set_defaults(handler=report)


def report(options: argparse.Namespace) -> None:
    from .. import loop

    speeds = {name: value for name in ("writing", "reading") if (value := getattr(options, name)) is not None}
    library, settings = open_library()
    with library:
        path = output_file(options.out, settings, default=settings.home / "reports" / "report.html")
        told = loop.report(library, path=path, **speeds)
    if options.open:
        import webbrowser

        webbrowser.open(path.as_uri())
    if options.json:
        as_json(told)
    else:
        print(path)
