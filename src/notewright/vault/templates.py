"""The person's own note templates: those of the vault, which are only read, and those in the library's home."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

from ..errors import Invalid, NotFound
from ..settings import Settings
from .atomic import create, replace
from .config import CONFIG_FOLDER
from .files import locate

LARGEST = 100_000  # bytes
_CURSOR = re.compile(r"<%[-_]?\s*tp\.file\.cursor\(\s*\d*\s*\)\s*[-_]?%>")
_DRAFT = re.compile(r"\{\{[-+]?\s*draft\b")
_PLACES = (("templates.json", "folder"), ("plugins/templater-obsidian/data.json", "templates_folder"))
_NAME = re.compile(r"[^\x00-\x1f\x7f\\/:*?\"<>|.][^\x00-\x1f\x7f\\/:*?\"<>|]{0,100}")


@dataclass(frozen=True, slots=True)
class Template:
    """`origin` is home or vault; `name` is the path below its folder, without `.md`."""

    name: str
    origin: str
    path: str
    text: str


def all_templates(settings: Settings) -> list[Template]:
    """Those in the home first, then those in the vault's template folders; of one name the first counts."""
    found: dict[str, Template] = {}
    for origin, folder in _folders(settings):
        for file in sorted(folder.rglob("*.md")):
            name = normalize("NFC", file.relative_to(folder).with_suffix("").as_posix())
            hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
            if hidden or file.is_symlink() or not file.is_file() or file.stat().st_size > LARGEST:
                continue
            try:
                text = file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
            except (OSError, UnicodeDecodeError):
                continue
            found.setdefault(name.casefold(), Template(name, origin, str(file), _with_draft(text)))
    return list(found.values())


def _with_draft(text: str) -> str:
    """Templater's first cursor is where the person would begin to write, so the draft goes there; what it names a place already stays."""
    first = iter(() if _DRAFT.search(text) else ("{{ draft }}",))
    return _CURSOR.sub(lambda _: next(first, ""), text)


def get_template(settings: Settings, name: str) -> Template:
    """By name, whatever its case and with or without `.md`. Raises NotFound, whose hint lists those there are."""
    wanted = normalize("NFC", name).removesuffix(".md").strip("/").casefold()
    templates = all_templates(settings)
    for template in templates:
        if template.name.casefold() == wanted:
            return template
    there = ", ".join(template.name for template in templates)
    raise NotFound(
        f"There is no template {name!r}.", f"There are: {there}" if there else "Propose one from your notes: notewright templates infer"
    )


def save_template(settings: Settings, name: str, text: str, *, overwrite: bool = False) -> Path:
    """Store a template in the home. Raises Invalid for a bad name or one that is taken, unless `overwrite`."""
    clean = normalize("NFC", name).removesuffix(".md")
    if not _NAME.fullmatch(clean):
        raise Invalid(f"{name!r} is no name for a template.", "Use letters, digits, spaces and dashes.")
    path = settings.home / "templates" / f"{clean}.md"
    if path.exists():
        if not overwrite:
            raise Invalid(f"There is already a template {clean!r}.", "Choose another name, or add --overwrite.")
        replace(path, path.read_bytes(), text.encode())
    else:
        create(path, text.encode())
    return path


def _folders(settings: Settings) -> list[tuple[str, Path]]:
    folders = [("home", settings.home / "templates")]
    if settings.vault and settings.vault.is_dir():
        for file, key in _PLACES:
            try:
                value = json.loads((settings.vault / CONFIG_FOLDER / file).read_text(encoding="utf-8-sig")).get(key)
            except (OSError, ValueError, AttributeError, RecursionError):
                continue
            parts = [part for part in str(value or "").replace("\\", "/").split("/") if part not in ("", ".")]
            if parts and not any(part.startswith(".") for part in parts):
                folder = locate(settings.vault, "/".join(parts))
                if folder.is_dir() and folder.resolve().is_relative_to(settings.vault.resolve()):
                    folders.append(("vault", folder))
    return [(origin, folder) for origin, folder in folders if folder.is_dir()]
