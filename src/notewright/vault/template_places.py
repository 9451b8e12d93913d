"""Where the vault keeps its templates and plugins' scripts, as Obsidian's and the plugins' settings and the folders' names say: no notes of
the person's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

_FOLDERS = (
    ("templates.json", "folder"),
    ("plugins/templater-obsidian/data.json", "templates_folder"),
    ("plugins/quickadd/data.json", "templateFolderPath"),
)
_DRAWING = ("plugins/obsidian-excalidraw-plugin/data.json", "scriptFolderPath")
_SCRIPTS = "Downloaded"  # below that folder: scripts that the plugin fetched, as Markdown
# Settings files in which notes are named as templates, and the keys that name one, however deep.
_FILES = (
    ("daily-notes.json", ("template",)),
    ("zk-prefixer.json", ("template",)),
    ("plugins/periodic-notes/data.json", ("template",)),
    ("plugins/templater-obsidian/data.json", ("template",)),
    ("plugins/quickadd/data.json", ("templatePath", "template")),
)
_CALLED = re.compile(r"templat|vorlage|plantilla|mod[eè]l[eo]|шаблон|szablon|sjabloon|模板|テンプレ", re.IGNORECASE)
_JUST_CALLED = re.compile(r"[\W\d_]*(?:templates?|vorlagen?|plantillas?|mod[eè]les?)[\W\d_]*", re.IGNORECASE)
_COMMAND = re.compile(r"\{\{[^{}\n]+\}\}|<%")
_LOOKED_AT = 50  # notes of a folder
_HEAD = 65536  # bytes of a note
_DEEPEST = 12  # lists and tables in a settings file

Table = Callable[[str], dict[str, object]]


def template_places(vault: Path, table: Table, folders: Iterable[tuple[str, Path]], relative: Callable[[str], str]) -> tuple[str, ...]:
    """Vault-relative folders and notes that are there and hold templates or scripts, none below another.

    `table` reads a file of `.obsidian`, `folders` are the vault's, `relative` cleans a path that a person typed. A setting that names a
    folder called something else is believed where half of what is in it is a template: it may be one of notes. So is a folder called
    `Templates` that no setting names.
    """
    found: list[str] = []
    for file, key in _FOLDERS:
        value = table(file).get(key)
        path = relative(value) if isinstance(value, str) else ""
        if path and (vault / path).is_dir() and (_CALLED.search(path) or _holds_templates(vault / path)):
            found.append(path)
    drawing = table(_DRAWING[0]).get(_DRAWING[1])
    scripts = f"{relative(drawing)}/{_SCRIPTS}" if isinstance(drawing, str) and relative(drawing) else ""
    found += [scripts] if scripts and (vault / scripts).is_dir() else []
    found += [path for path, folder in folders if _JUST_CALLED.fullmatch(folder.name) and _holds_templates(folder)]
    for file, keys in _FILES:
        for value in _named(table(file), keys, 0):
            path = relative(value)
            path = path if not path or path.casefold().endswith(".md") else f"{path}.md"
            if path and (vault / path).is_file():
                found.append(path)
    kept = list(dict.fromkeys(found))
    return tuple(path for path in kept if not any(path.startswith(f"{other}/") for other in kept))


def _named(value: object, keys: tuple[str, ...], depth: int) -> Iterator[str]:
    """The texts under these keys, anywhere in a settings file."""
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if key in keys and isinstance(item, str):
                yield item
            else:
                yield from _named(item, keys, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item, keys, depth + 1)


def _holds_templates(folder: Path) -> bool:
    """Do half of its first notes hold a template's commands?"""
    notes = filled = 0
    for _, path in zip(range(_LOOKED_AT), sorted(folder.rglob("*.md")), strict=False):
        try:
            with path.open("rb") as file:
                head = file.read(_HEAD).decode("utf-8", errors="replace")
        except OSError:
            continue
        notes += 1
        filled += bool(_COMMAND.search(head))
    return filled > 0 and filled * 2 >= notes
