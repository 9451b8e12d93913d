"""notewright vault show NOTE [--html FILE] [--tokens | --parts], notewright vault check [PATH] [--rule RULE]"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..settings import load_settings, output_file
from .hints import say
from .show import as_json, count, given_path, json_option, progress, shorten, table


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    shown = actions.add_parser("show", help="one note as Obsidian's reading view has it, as a web page")
    shown.add_argument("note", help="its title, its path in the vault, or its file")
    shown.add_argument(
        "--html", metavar="FILE", type=given_path, help="where to write the page (default: previews/ in the library's folder)"
    )
    shown.add_argument("--remote-images", action="store_true", help="let the page load pictures from the network")
    listed = shown.add_mutually_exclusive_group()
    listed.add_argument("--tokens", action="store_true", help="list the note's tokens with their byte spans instead")
    listed.add_argument("--parts", action="store_true", help="list its sections and blocks with lasting ids and byte spans instead")
    json_option(shown)
    shown.set_defaults(handler=show)
    checked = actions.add_parser("check", help="what is wrong in a note, a folder or the whole vault; nothing is changed")
    checked.add_argument("path", nargs="?", type=given_path, help="a note or folder (default: the whole vault)")
    checked.add_argument("--rule", action="append", default=[], metavar="RULE", help="only findings of this rule; may be repeated")
    checked.add_argument("--all", action="store_true", help="list infos too, such as links to notes that do not exist yet")
    json_option(checked)
    checked.set_defaults(handler=check)


def check(options: argparse.Namespace) -> int:
    from ..vault.checkup import check_vault

    with progress("checking") as advance:
        report = check_vault(load_settings(), options.path, rules=options.rule, progress=advance)
    if options.json:
        as_json({"vault": report.vault, "notes": report.notes, "unread": report.unread, "by_rule": report.by_rule, "failed": report.failed})
        return int(report.failed)
    for note in report.notes:
        if not note.round_trip:
            print(f"{note.path}: its tokens do not join up to its bytes. This is a fault of notewright: please report it.")
        for item in note.findings:
            if item.severity != "info" or options.all or options.rule:
                print(f"{note.path}:{item.line}: {item.severity}: {item.message} [{item.rule}]")
                if item.fix is not None:
                    print(f"    could be: {item.fix}")
    for reason in report.unread:
        print(f"error: {reason}")
    exact = sum(note.round_trip for note in report.notes)
    print(f"{count(len(report.notes), 'note')}, {exact:,} come out byte for byte; ", end="")
    print(", ".join(f"{number:,} {severity}{'' if number == 1 else 's'}" for severity, number in report.by_severity.items()) + ".")
    table(report.by_rule.items(), "rule", "findings", empty="Nothing was found.")
    if report.by_severity.get("info") and not (options.all or options.rule):
        say("Infos are listed with: notewright vault check --all")
    return int(report.failed)


def show(options: argparse.Namespace) -> None:
    from ..vault import find_note, preview_note, read_parts, tokenize

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
    if options.parts:
        data = file.read_bytes()
        parts = read_parts(data)
        if options.json:
            as_json(parts)
            return
        listed = [
            (item.id, item.kind, item.start, item.end, " > ".join(item.headings), shorten(repr(data[item.start : item.end])[2:-1], 50))
            for item in parts
        ]
        table(listed, "id", "kind", "start", "end", "under", "bytes", empty="The note is empty.")
        return
    target = output_file(options.html, settings, default=settings.home / "previews" / (Path(path).stem + ".html"))
    html, preview = preview_note(settings, options.note, remote_images=options.remote_images)
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
