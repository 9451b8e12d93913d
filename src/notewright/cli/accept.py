"""notewright accept, notewright undo"""

from __future__ import annotations

import argparse

from .show import as_json, json_option, open_library


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    json_option(parser)
    if name == "undo":
        parser.set_defaults(handler=undo)
        return
    parser.add_argument("draft", help="the draft's id")
    parser.add_argument("--into", required=True, metavar="NOTE", help="path in the vault; a new note is made if there is none")
    parser.add_argument("--under", metavar="HEADING", help="the section to put it at the end of (default: the end of the note)")
    parser.add_argument("--force", action="store_true", help="although the validator found problems")
    parser.set_defaults(handler=accept)


def accept(options: argparse.Namespace) -> None:
    from .. import feedback

    library, settings = open_library()
    with library:
        done = feedback.accept(
            library, settings=settings, draft_id=options.draft, into=options.into, under=options.under, force=options.force
        )
    if options.json:
        as_json(done)
        return
    print(f"Inserted into {done.note_path} (backup kept; take it back with: notewright undo)")


def undo(options: argparse.Namespace) -> None:
    from .. import feedback

    library, settings = open_library()
    with library:
        event = feedback.undo(library, settings=settings)
    if options.json:
        as_json(event)
        return
    print(f"Taken back: {event.payload.get('kind', 'the last action')} ({event.subject}).")
