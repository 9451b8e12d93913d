"""What a link or embed means: the vault's files by path and name, and the part of a note that `#Heading` or `#^id` names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .files import locate
from .index import VaultIndex, title_key
from .outline import Line, Outline, read_outline
from .tokens import Token, tokenize

_LEAD = re.compile(rb"((?:[ \t]*>[ \t]?)*)([ \t]*)")
_ITEM = re.compile(rb"[ \t]*(?:>[ \t]*)*(?:[-+*]|\d{1,9}[.)])[ \t]")


class Resolver(Protocol):
    """What a preview needs to know about the vault."""

    def find(self, target: str, note_path: str) -> str:
        """The vault-relative path of the file that `target` means in `note_path`; empty where there is none."""

    def read(self, path: str) -> bytes:
        """The bytes of that file. Raises OSError."""


@dataclass(frozen=True, slots=True)
class VaultFiles:
    """The resolver over a vault's folder and its index; files are read when they are embedded."""

    vault: Path
    index: VaultIndex

    def find(self, target: str, note_path: str) -> str:
        return next(iter(self.index.resolve(target, source=note_path)), "")

    def read(self, path: str) -> bytes:
        return locate(self.vault, path).read_bytes()


def find_section(data: bytes, part: str) -> tuple[int, int] | None:
    """Byte span of the section under the heading trail `H1#H2`, its heading included; None where there is no such heading."""
    outline = read_outline(data)
    steps = [title_key(step) for step in part.split("#") if step.strip()]
    trail: list[tuple[int, str]] = []
    for heading in outline.headings:
        trail = [item for item in trail if item[0] < heading.level] + [(heading.level, title_key(heading.title))]
        if steps and trail[-1][1] == steps[-1] and _follows(steps, [title for _, title in trail]):
            later = (item.start for item in outline.headings if item.start > heading.start and item.level <= heading.level)
            return heading.start, next(later, len(data))
    return None


def _follows(steps: Sequence[str], titles: Sequence[str]) -> bool:
    """Do the steps appear in this order among the titles?"""
    remaining = iter(titles)
    return all(step in remaining for step in steps)


def read_block(data: bytes, block: str) -> bytes | None:
    """The bytes of the block that `^block` names, as it would stand outside of the list it is in; None where there is no such id."""
    span = find_block(data, block)
    if not span:
        return None
    lines = data[span[0] : span[1]].splitlines(keepends=True)
    width = _column(lines[0]) if lines else 0
    return b"".join(_dedented(line, width) for line in lines) if width else b"".join(lines)


def _column(line: bytes) -> int:
    """How far what stands in the line's quotes is indented."""
    found = _LEAD.match(line)
    return len(found[2].expandtabs(4)) if found else 0


def _dedented(line: bytes, width: int) -> bytes:
    found = _LEAD.match(line)
    assert found, "it matches the empty line too"
    return found[1] + found[2].expandtabs(4)[width:] + line[found.end() :]


def find_block(data: bytes, block: str) -> tuple[int, int] | None:
    """Byte span of the paragraph, list item (with what stands in it), quote, table or fence that `^block` names; None where there is no
    such id."""
    tokens = tokenize(data)
    wanted = b"^" + block.encode()
    found = next((token for token in tokens if token.kind == "block_id" and data[token.start : token.end].lower() == wanted.lower()), None)
    return _around(data, read_outline(data, tokens), found) if found else None


def _around(data: bytes, outline: Outline, token: Token) -> tuple[int, int]:
    lines = outline.lines
    last = next(number for number, line in enumerate(lines) if line.end >= token.end)
    if data[lines[last].start : token.start].strip(b" \t>"):
        first = last
    else:  # on a line of its own: it names the block above
        first = last - 1
        while first > 0 and lines[first].kind == "blank":
            first -= 1
        if first < 0:
            return lines[last].start, lines[last].end
        last = first
    kind = lines[first].kind
    while first and not _ITEM.match(data, lines[first].start) and _same_block(lines[first - 1], kind):
        first -= 1
    return lines[first].start, lines[_item_end(data, lines, first, last)].end


def _item_end(data: bytes, lines: Sequence[Line], first: int, last: int) -> int:
    """The last line that is indented deeper than the mark of the list item at `first`, blank ones between them included."""
    if not _ITEM.match(data, lines[first].start):
        return last
    width = _column(data[lines[first].start : lines[first].end])
    for number in range(last + 1, len(lines)):
        line = data[lines[number].start : lines[number].end]
        if lines[number].kind == "blank" or not line.strip(b" \t\r\n>"):
            continue
        if _column(line) <= width:
            break
        last = number
    return last


def _same_block(line: Line, kind: str) -> bool:
    return line.kind == kind and kind not in ("blank", "heading")
