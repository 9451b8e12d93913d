"""notewright init"""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import overview
from ..library import Library, was_used
from ..settings import change_settings, load_settings
from .hints import say
from .show import facts


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vault", metavar="PATH", help="your Obsidian vault; only ever read, until you accept a draft")
    parser.add_argument("--readwise-folder", metavar="NAME", help="the vault folder of Readwise exports (default: found by itself)")
    excluded = "a vault folder that holds no notes of yours; may be repeated; '' for none"
    parser.add_argument("--exclude", action="append", metavar="FOLDER", help=excluded)
    parser.add_argument("--base", metavar="HUB_ID_OR_PATH", help="the base model to start from (default: the bundled seedling)")
    parser.set_defaults(handler=init)


def _in_vault(folder: str, vault: Path) -> str:
    """As the settings name a folder of the vault, also where it was named as the shell completes it: from where one stands."""
    here, inside = Path(folder).expanduser().resolve(), vault.expanduser().resolve()
    known = ".." not in Path(folder).parts and (inside / folder).exists()
    elsewhere = not here.is_dir() or not here.is_relative_to(inside) or here == inside
    return folder if not folder or known or elsewhere else here.relative_to(inside).as_posix()


def init(options: argparse.Namespace) -> None:
    settings = load_settings()
    given = {"vault": options.vault, "readwise_folder": options.readwise_folder, "exclude": options.exclude, "base_model": options.base}
    changes = {name: value for name, value in given.items() if value is not None}
    if vault := Path(options.vault) if options.vault else settings.vault:
        if options.readwise_folder:
            changes["readwise_folder"] = _in_vault(options.readwise_folder, vault)
        if options.exclude:
            changes["exclude"] = [_in_vault(folder, vault) for folder in options.exclude]
    settings = change_settings(settings, changes)
    lost = was_used(settings.home) and not (settings.home / "library.db").exists()
    with Library.create(settings.home, anew=True) as library:
        now = overview.status(library, settings=settings)
    shown: dict[str, object] = {"library": settings.home, "vault": settings.vault or "none yet: notewright init --vault PATH"}
    warnings: tuple[str, ...] = ()
    following = now.next
    if settings.vault:
        from ..vault.config import read_config
        from ..vault.files import absent

        config = read_config(settings)
        warnings = (*config.warnings, *(f"there is no {name!r} in the vault (yet)" for name in absent(settings)))
        folders = [name if (settings.vault / name).is_dir() else f"{name} (not there yet)" for name in config.readwise_folders]
        shown["Readwise folder"] = ", ".join(folders) or "none found (name it with --readwise-folder)"
        if config.templates:
            shown["templates, scripts"] = ", ".join(config.templates) + " (left out too)"
        if settings.exclude:
            shown["excluded"] = ", ".join(settings.exclude)
        if config.ignored:
            shown["excluded in Obsidian"] = ", ".join(config.ignored) + " (left out here too)"
        shown["attachments"] = config.attachment_folder or "vault root"
        shown["links"] = f"{'Markdown' if config.markdown_links else 'wikilinks'}, {config.link_format}"
    if settings.base_model:
        shown["base model"] = settings.base_model
    facts(shown)
    if lost:
        warnings = (
            f"there was no library.db in {settings.home} any more: this is a new, empty one; what lies in the folders beside it belongs"
            " to the one before (docs/your-data.md says how to put a copy of that back)",
            *warnings,
        )
    for warning in warnings:
        print(f"warning: {warning}")
    if settings.vault and settings.home.resolve().is_relative_to(settings.vault.resolve()):
        print(
            "warning: the library lies in the vault: this grows by its models and backups, and is synced with them and the server's token."
        )
        print("         Elsewhere it is out of the way: notewright --home FOLDER init --vault PATH (or NOTEWRIGHT_HOME)")
    then = "   then   notewright import vault" if following.startswith("notewright import readwise") and not now.counts["notes"] else ""
    say(f"\nNext: {following}{then}")
