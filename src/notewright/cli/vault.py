"""notewright vault show NOTE [--html FILE] [--tokens]"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..settings import load_settings
from .show import as_json, count, json_option, shorten, table


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    shown = actions.add_parser("show", help="one note as Obsidian's reading view has it, as a web page")
    shown.add_argument("note", help="its title, its path in the vault, or its file")
    shown.add_argument("--html", metavar="FILE", type=Path, help="where to write the page (default: previews/ in the library's folder)")
    shown.add_argument("--remote-images", action="store_true", help="let the page load pictures from the network")
    shown.add_argument("--tokens", action="store_true", help="list the note's tokens with their byte spans instead")
    json_option(shown)
    shown.set_defaults(handler=show)


def show(options: argparse.Namespace) -> None:
    from ..vault import find_note, preview_note, tokenize

    settings = load_settings()
    path, file = find_note(settings, options.note)
    if options.tokens:
        data = file.read_bytes()
        tokens = tokenize(data)
        if options.json:
            as_json(tokens)
            return
        rows = [(item.kind, item.start, item.end, shorten(repr(data[item.start : item.end])[2:-1], 80)) for item in tokens]
        table(rows, "kind", "start", "end", "bytes", empty="The note is empty.")
        return
    html, preview = preview_note(settings, options.note, remote_images=options.remote_images)
    target = options.html or settings.home / "previews" / (Path(path).stem + ".html")
    if not options.html:
        target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(html, encoding="utf-8")
    if options.json:
        as_json({"note": path, "page": target, "problems": preview.problems})
        return
    print(target)
    if preview.problems:
        print(f"{count(len(preview.problems), 'thing')} could not be shown:", file=sys.stderr)
        for problem in preview.problems:
            print(f"  - {problem}", file=sys.stderr)
