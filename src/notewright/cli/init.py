"""notewright init"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from ..errors import Invalid, NotFound
from ..library import Library
from ..settings import load_settings, save_settings
from .show import facts


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vault", metavar="PATH", help="your Obsidian vault; only ever read, until you accept a draft")
    parser.add_argument("--readwise-folder", metavar="NAME", help="the vault folder of Readwise exports (default: found by itself)")
    parser.add_argument("--exclude", action="append", metavar="FOLDER", help="a vault folder that holds no notes of yours; may be repeated")
    parser.add_argument("--base", metavar="HUB_ID_OR_PATH", help="the base model to start from (default: the bundled seedling)")
    parser.set_defaults(handler=init)


def init(options: argparse.Namespace) -> None:
    settings = load_settings()
    if options.vault is not None:
        settings = replace(settings, vault=_vault(options.vault))
    if options.readwise_folder is not None:
        settings = replace(settings, readwise_folder=options.readwise_folder)
    if options.exclude:
        settings = replace(settings, exclude=tuple(options.exclude))
    if options.base is not None:
        folder = Path(options.base).expanduser()
        settings = replace(settings, base_model=str(folder.absolute()) if folder.is_dir() else options.base)
    with Library.create(settings.home):
        save_settings(settings)
    shown: dict[str, object] = {"library": settings.home, "vault": settings.vault or "none yet: notewright init --vault PATH"}
    if settings.vault:
        from ..vault.config import read_config

        config = read_config(settings)
        shown["Readwise folder"] = ", ".join(config.readwise_folders) or "none found (name it with --readwise-folder)"
        shown["attachments"] = config.attachment_folder or "vault root"
        shown["links"] = f"{'Markdown' if config.markdown_links else 'wikilinks'}, {config.link_format}"
    facts(shown)
    for name in (settings.readwise_folder, *settings.exclude):
        if settings.vault and name and not any(mark in name for mark in "*?[") and not (settings.vault / name).exists():
            print(f"warning: there is no {name!r} in the vault (yet)")
    print("\nNext: notewright import readwise PATH   then   notewright import vault")


def _vault(given: str) -> Path:
    hint = "Give the folder that holds your notes (the one with .obsidian in it)."
    if not given.strip():
        raise Invalid("The path of the vault is empty.", hint)
    vault = Path(given).expanduser().absolute()
    if not vault.is_dir():
        raise NotFound(f"{vault} is a file, not a folder." if vault.exists() else f"There is no folder {vault}.", hint)
    try:
        str(vault).encode()
    except UnicodeEncodeError:
        raise Invalid(f"The path {str(vault)!r} is not valid UTF-8, so it cannot be remembered.", "Rename the folder.") from None
    return vault
