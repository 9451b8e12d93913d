"""notewright templates list|show|infer"""

from __future__ import annotations

import argparse

from ..errors import Invalid
from .hints import say
from .show import as_json, count, json_option, list_action, open_library, shorten, table


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="list|show|infer")
    list_action(parser, actions, list_templates, "the templates of your vault and of the library's home")
    showing = actions.add_parser("show", help="one template, as it is")
    showing.add_argument("name", help="as notewright templates lists it")
    json_option(showing)
    showing.set_defaults(handler=show)
    inferring = actions.add_parser("infer", help="propose a template from your finished notes; writes nothing without --save")
    inferring.add_argument("--folder", default="", metavar="PATH", help="only notes in this folder of the vault")
    inferring.add_argument("--kind", default="", help="only notes about sources of this kind: book, article, podcast")
    inferring.add_argument("--save", metavar="NAME", help="keep it under this name in the library's home")
    inferring.add_argument("--overwrite", action="store_true", help="although there is one of that name")
    json_option(inferring)
    inferring.set_defaults(handler=infer)


def list_templates(options: argparse.Namespace) -> None:
    from .. import vault
    from ..feedback import template_slots
    from ..settings import load_settings

    settings = load_settings()
    templates = vault.all_templates(settings)
    if options.json:
        as_json(templates)
        return
    rows = [
        (
            item.name + (" (default)" if item.name == settings.template else ""),
            item.origin,
            shorten(", ".join(template_slots(item.text)), 70),
        )
        for item in templates
    ]
    table(rows, "template", "where", "uses", empty="No templates yet. Propose one from your notes: notewright templates infer")


def show(options: argparse.Namespace) -> None:
    from .. import vault
    from ..settings import load_settings

    template = vault.get_template(load_settings(), options.name)
    as_json(template) if options.json else print(template.text, end="")


def infer(options: argparse.Namespace) -> None:
    from .. import feedback, vault

    if options.overwrite and not options.save:
        raise Invalid("--overwrite needs --save NAME.", "Add the name to keep the template under.")
    library, settings = open_library()
    with library:
        found = feedback.infer_template(library, settings=settings, folder=options.folder, kind=options.kind)
    saved = vault.save_template(settings, options.save, found.text, overwrite=options.overwrite) if options.save else None
    if options.json:
        as_json({"template": found, "saved": saved})
        return
    print(found.text)
    notes = count(found.notes, "finished note")
    print(f"Explains {found.explained:.0%} of {notes} wholly; of the average one, {found.coverage:.0%} of its lines.\n")
    table([(f"{line.support:.0%}", line.text) for line in found.lines], "notes", "line")
    if saved:
        say(f'\nSaved as {saved}. Use it: notewright accept DRAFT --into NEW.md --template "{options.save}"')
    else:
        print("\nNothing was written. Keep it with: --save NAME")
