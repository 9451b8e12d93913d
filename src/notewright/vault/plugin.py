"""Putting the Obsidian plugin into a vault: three files in its plugin folder, and nothing else of the vault."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ..errors import Invalid, NotFound, Unavailable
from ..settings import expanded

NAME = "notewright"
FILES = ("main.js", "manifest.json", "styles.css")


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """`folder` is where it lies; `before` is the version that was there, empty for a first installation."""

    folder: str
    version: str
    before: str


def built_plugin() -> Path:
    """The built plugin in this installation. Raises NotFound where it was not built."""
    folder = Path(str(files("notewright"))) / "plugin"
    if not all((folder / name).is_file() for name in FILES):
        hint = "In notewright's repository: make plugin (it fetches Node.js where there is none), and pip install . again if it came so."
        raise NotFound("The Obsidian plugin is not built in this installation.", hint)
    return folder


def install_plugin(vault: Path, *, config: str = ".obsidian", source: Path | None = None) -> InstalledPlugin:
    """Copy the built plugin into `vault`; its settings (data.json) and everything else stay. Obsidian enables it only when asked there.

    `config` is the vault's own settings folder. Raises Invalid where `vault` is none, Unavailable when it cannot be written.
    """
    source = source or built_plugin()
    root = expanded(vault)
    if not (root / config).is_dir():
        raise Invalid(f"{root} is no Obsidian vault: it has no {config} folder.", "Open the folder in Obsidian once, or name another.")
    folder = root / config / "plugins" / NAME
    try:
        before = _version(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            part = folder / f".{name}.{secrets.token_hex(4)}"
            part.write_bytes((source / name).read_bytes())
            os.replace(part, folder / name)
    except OSError as error:
        raise Unavailable(f"The plugin cannot be put into {folder}: {error.strerror}.", "Check the folder's permissions.") from error
    return InstalledPlugin(str(folder), _version(folder), before)


def _version(folder: Path) -> str:
    try:
        return str(json.loads((folder / "manifest.json").read_text(encoding="utf-8")).get("version", ""))
    except (OSError, ValueError, AttributeError):
        return ""
