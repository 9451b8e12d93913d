"""The vault's own settings, read and never written: attachment folder, link style, and where Readwise exports land."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import normalize

from ..settings import Settings
from ..text import count
from .template_places import template_places

CONFIG_FOLDER = ".obsidian"
LINK_FORMATS = ("shortest", "relative", "absolute")
_DEEPEST = 4  # folders below one another in which exports are looked for
_EXPORT_MARKS = re.compile(
    r"!\[rw-book-cover\]|\[View Highlight\]|\[Open in Readwise\]|read\.readwise\.io/|readwise\.io/(?:open|to_kindle|bookreview)"
    r"|^## New highlights added |^[-*+] Full Title: |^[-*+] Category: #|^full-title:: |^- Highlights first synced by \[\[Readwise\]\]",
    re.MULTILINE,
)
_EXPORT_HEAD = re.compile(
    r"!\[rw-book-cover\]|^[-*+] Full Title: |^## New highlights added |readwise\.io/bookreview/\d"
    r"|^- Highlights first synced by \[\[Readwise\]\]",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Writing:
    """How Obsidian writes and shows notes, as its `app.json` says; a missing key is Obsidian's default.

    `attachment_folder` is as Obsidian writes it: empty for the vault's root, `Assets` for one folder, `./` or `./assets` beside the note.
    """

    attachment_folder: str = ""
    link_format: str = "shortest"
    markdown_links: bool = False
    strict_line_breaks: bool = False

    def attachment_path(self, note_path: str, name: str) -> str:
        """The vault-relative path where Obsidian would put attachment `name` of `note_path`."""
        folder = self.attachment_folder
        if folder.startswith("."):
            base = PurePosixPath(note_path).parent / folder.removeprefix(".").strip("/")
        else:
            base = PurePosixPath(folder.strip("/"))
        return str(base / name)


@dataclass(frozen=True, slots=True)
class VaultConfig(Writing):
    """What `.obsidian` says, and what lies where in the vault.

    `readwise_folders` are vault-relative with forward slashes, and so are the folders and notes of `templates`; `ignored` are the filters
    of Obsidian's "Excluded files", each the start of a path or a /regular expression/; `warnings` name files and filters that could not be
    read.
    """

    readwise_folders: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def ignores(self, path: str) -> bool:
        """Does Obsidian exclude the file at this vault-relative path?"""
        return any(_expression(item).search(path) for item in self.ignored)


def read_writing(settings: Settings) -> Writing:
    """The part of `read_config` for which no folder is looked through, for what is asked at every preview. Raises as that does."""
    return Writing(**_writing(_table(settings.need_vault() / CONFIG_FOLDER, "app.json", {})))


def read_config(settings: Settings) -> VaultConfig:
    """Read `.obsidian` of the settings' vault. Broken files give defaults and a warning. Raises as `Settings.need_vault` does."""
    vault = settings.need_vault()
    warnings: list[str] = []
    tables: dict[str, dict[str, object]] = {}
    unread: dict[str, list[str]] = {}

    def table(name: str) -> dict[str, object]:
        if name not in tables:
            tables[name] = _table(vault / CONFIG_FOLDER, name, unread)
        return tables[name]

    app = table("app.json")
    folders = list(_folders(vault))
    config = VaultConfig(
        **_writing(app),
        readwise_folders=_readwise_folders(
            folders, settings.readwise_folder, table("plugins/readwise-official/data.json").get("readwiseDir")
        ),
        templates=template_places(vault, table, folders, _relative),
        ignored=_ignored(app.get("userIgnoreFilters"), warnings),
    )
    for why, names in unread.items():  # of a whole folder that cannot be opened one line is enough
        what = names[0] if len(names) == 1 else f"{CONFIG_FOLDER} ({count(len(names), 'file')})"
        warnings.append(f"{what} could not be read ({why}); Obsidian's defaults are used")
    return replace(config, warnings=tuple(warnings))


def looks_like_export(text: str) -> bool:
    """Does this Markdown carry two or more of the marks that Readwise's exporters leave?"""
    return sum(1 for _, _ in zip(range(2), _EXPORT_MARKS.finditer(text), strict=False)) == 2


def is_export(text: str) -> bool:
    """Does it, more than that, have what only an export begins with?"""
    return bool(_EXPORT_HEAD.search(text)) and looks_like_export(text)


def _writing(app: dict[str, object]) -> dict[str, Any]:
    attachment, link_format = app.get("attachmentFolderPath"), app.get("newLinkFormat")
    return {
        "attachment_folder": "" if attachment == "/" or not isinstance(attachment, str) else attachment,
        "link_format": link_format if isinstance(link_format, str) and link_format in LINK_FORMATS else "shortest",
        "markdown_links": app.get("useMarkdownLinks") is True,
        "strict_line_breaks": app.get("strictLineBreaks") is True,
    }


def _table(folder: Path, name: str, unread: dict[str, list[str]]) -> dict[str, object]:
    """What the file says; where it cannot be read, nothing, and `unread` names it under the reason."""
    try:
        value = json.loads((folder / name).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        unread.setdefault(why, []).append(name)
        return {}
    return value if isinstance(value, dict) else {}


def _ignored(filters: object, warnings: list[str]) -> tuple[str, ...]:
    """The filters that can be read, in the normal form of paths."""
    found = []
    for item in filters if isinstance(filters, list) else ():
        if not isinstance(item, str) or not item.strip("/ "):
            continue
        clean = normalize("NFC", item)
        try:
            _expression(clean)
        except (re.error, RecursionError, OverflowError) as error:
            warnings.append(f"the excluded files {item!r} of Obsidian's settings are no expression that can be read ({error}), left out")
        else:
            found.append(clean)
    return tuple(found)


@lru_cache(maxsize=256)
def _expression(item: str) -> re.Pattern[str]:
    return re.compile(item[1:-1] if item.startswith("/") and item.endswith("/") else rf"\A{re.escape(item)}", re.IGNORECASE)


def _readwise_folders(folders: Iterable[tuple[str, Path]], chosen: str, named: object) -> tuple[str, ...]:
    """The folder chosen; else the one that Readwise's plugin names, there or not, and all with "Readwise" in their names and exports in
    them, none below another."""
    if clean := _relative(chosen):
        return (clean,)
    clean = _relative(named) if isinstance(named, str) else ""
    found = [clean] if clean else []
    for path, folder in folders:
        below = any(f"{path}/".startswith(f"{other}/") for other in found)
        if not below and "readwise" in folder.name.casefold() and _holds_exports(folder):
            found.append(path)
    return tuple(found)


def _folders(vault: Path) -> Iterator[tuple[str, Path]]:
    """Visible folders, a few levels deep, those above first: vault-relative in normal form, and as the disk spells them."""
    waiting = [("", str(vault))]
    while waiting:
        prefix, folder = waiting.pop(0)
        try:
            inside = sorted((item for item in os.scandir(folder) if item.is_dir(follow_symlinks=False)), key=lambda item: item.name)
        except OSError:
            continue
        for item in inside:
            path = prefix + normalize("NFC", item.name)
            if item.name.startswith("."):
                continue
            yield path, Path(item.path)
            if path.count("/") + 1 < _DEEPEST:
                waiting.append((path + "/", item.path))


def _relative(path: str) -> str:
    parts = [part for part in normalize("NFC", path).replace("\\", "/").split("/") if part not in ("", ".")]
    return "" if ".." in parts else "/".join(parts)


def _holds_exports(folder: Path) -> bool:
    """Are the first fifty notes Readwise's exports? Of a folder called just so, one that looks like it is enough; one with more in its name
    may be the person's, about what Readwise sent, and half of its notes must have what only an export begins with. Reads the first 64 kB of
    each."""
    looks, sure, notes = 0, 0, 0
    for _, path in zip(range(50), sorted(folder.rglob("*.md")), strict=False):
        try:
            with path.open("rb") as file:
                head = file.read(65536).decode("utf-8", errors="replace")
        except OSError:
            continue
        notes += 1
        looks += looks_like_export(head)
        sure += is_export(head)
        if looks and folder.name.casefold() == "readwise":
            return True
    return sure > 0 and sure * 2 >= notes
