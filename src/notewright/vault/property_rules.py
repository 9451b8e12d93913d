"""What is wrong in a note's properties: YAML, names given twice, values of the wrong type, links without quotes, tags that are none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from .blocks import properties_span
from .config import CONFIG_FOLDER
from .notes import read_properties

_NAME = re.compile(r"^(\"[^\"\n]+\"|'[^'\n]+'|[^\s#\-\[{&*!|>%@`\"':][^:\n]*?)[ \t]*:(?=[ \t]|$)[ \t]*(.*?)[ \t]*\r?$", re.MULTILINE)
_BARE_LINK = re.compile(r"\[\[[^\[\]\n]+\]\]\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?\Z")
_TAG = re.compile(r"#?[\w/-]*[^\W\d][\w/-]*\Z|#?[\w/-]*[_/-][\w/-]*\Z")
_LISTS = ("multitext", "tags", "aliases")
_SHAPES = {"date": (_DATE, "a date such as 2024-03-01"), "datetime": (_MOMENT, "a moment such as 2024-03-01T09:30:00")}

Found = tuple[int, int, str, str, str, str | None]


def read_types(vault: Path) -> dict[str, str]:
    """Property types by name, from the vault's types.json; empty where there is none that can be read."""
    try:
        table = json.loads((vault / CONFIG_FOLDER / "types.json").read_text(encoding="utf-8-sig"))["types"]
        return {str(name): str(kind) for name, kind in table.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def property_findings(data: bytes, types: Mapping[str, str]) -> Iterator[Found]:
    """Findings as `rules` has them. Properties with template commands in them are left alone."""
    _, start, end, _ = properties_span(data)
    block = data[start:end].decode("utf-8", errors="replace")
    if not block.strip() or "<%" in block or "{{" in block:
        return
    places: dict[str, tuple[int, int]] = {}
    for found in _NAME.finditer(block):
        name = found[1].strip("\"'")
        begin = start + len(block[: found.start()].encode())
        place = begin, begin + len(found[0].rstrip("\r").encode())
        if name in places:
            yield *place, "duplicate-property", "error", f"the property {name} is named twice; Obsidian then reads none", None
        places.setdefault(name, place)
        if _BARE_LINK.match(found[2]):
            message = f"a link in {name} needs quotes, or Obsidian takes it for a list"
            yield *place, "property-link", "warning", message, f'{found[0].rstrip()[: -len(found[2])]}"{found[2]}"'
    values, problems = read_properties(data)
    for problem in problems:
        yield start, end, "invalid-properties", "error", problem, None
    for name, value in values.items():
        place = places.get(name, (start, end))
        kind = {"tags": "tags", "aliases": "aliases", "cssclasses": "multitext"}.get(name, types.get(name, ""))
        if wrong := _wrong(kind, value):
            yield *place, "property-type", "warning", f"{name} should be {wrong}", None
        if name in ("tags", "tag"):
            items = value if isinstance(value, list) else re.split(r"[,\s]+", value) if isinstance(value, str) else [value]
            for item in items:
                if isinstance(item, str | int) and str(item).strip() and not _TAG.match(str(item).strip()):
                    yield (
                        *place,
                        "invalid-tag",
                        "warning",
                        f"{str(item)[:60]!r} is no tag: letters, digits, _ - / and not digits alone",
                        None,
                    )


def _wrong(kind: str, value: object) -> str:
    """What the value should be, where it is not; an empty one is always fine."""
    if value is None or value == "":
        return ""
    if kind == "number":
        return "" if isinstance(value, int | float) and not isinstance(value, bool) else "a number"
    if kind == "checkbox":
        return "" if isinstance(value, bool) else "true or false"
    if kind in _SHAPES:
        shape, words = _SHAPES[kind]
        return "" if isinstance(value, str) and shape.match(value) else words
    if kind in _LISTS:
        return "a list, not names and values" if isinstance(value, dict) else ""
    if kind == "text":
        return "one text, not a list" if isinstance(value, list | dict) and not _is_bare_link(value) else ""
    return ""


def _is_bare_link(value: object) -> bool:
    """[[Note]] without quotes, which YAML reads as a list in a list: said by another rule."""
    return isinstance(value, list) and len(value) == 1 and isinstance(value[0], list)
