"""Bytes of one note -> properties, title, aliases, outgoing links, and passages with exact byte spans."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import PurePosixPath

from ..errors import Invalid
from ..records import Note, Passage
from ..text import content_hash
from .identity import note_id, passage_id
from .links import targets
from .outline import Heading, Line, Outline, properties_span, read_outline
from .tokens import Token, tokenize
from .views import text_of

PARSER_VERSION = 6
PLUGIN_FILES = ("excalidraw-plugin", "kanban-plugin")  # properties of Markdown that a plugin writes: a drawing, a board
LONG = 2500  # characters; a longer section is cut at block borders
LONGEST = 6000  # characters; a longer block is cut at the items or lines inside it, code and formulas excepted
_LAYOUT = ("bom", "newline", "indent", "quote", "list_marker")
_REMARKS = ("comment", "html_comment")
_NO_PROSE = ("wikilink", "embed", "embed_tail", "image", "tag", "block_id", "task")  # bare, they are nothing to learn from


_WHOLE = ("code", "math")  # kinds of lines between which nothing is cut

_Block = tuple[int, int, int]  # where it starts and ends, and its characters


@dataclass(frozen=True, slots=True)
class ParsedNote:
    """A note as read. `findings` say in words what could not be understood; `heading` is the text of the first heading."""

    note: Note
    passages: tuple[Passage, ...]
    findings: tuple[str, ...] = ()
    heading: str = field(default="", repr=False)

    @property
    def of_a_plugin(self) -> bool:
        """Is it a drawing or a board, which Obsidian shows in another way? Nobody wrote what stands in it."""
        return any(name in self.note.properties for name in PLUGIN_FILES)


def parse_note(path: str, data: bytes, *, mtime_ns: int = 0) -> ParsedNote:
    """Read the note at vault-relative `path`. Raises Invalid when the bytes are not UTF-8; anything else is a finding."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Invalid(
            f"{path} is not UTF-8 text (line {line}, byte {error.start}).", "Save the note as UTF-8 and read the vault again."
        ) from error
    tokens = tokenize(data)
    outline = read_outline(data, tokens)
    properties, findings = read_properties(data)
    title = PurePosixPath(path).stem
    identity = note_id(path)
    note = Note(
        id=identity, path=path, title=title, content_hash=content_hash(data), properties=properties, aliases=_aliases(properties),
        links=tuple(dict.fromkeys(target for _, target in targets(data, tokens))), mtime_ns=mtime_ns,
    )  # fmt: skip
    passages = tuple(_passages(path, identity, data, outline, tokens))
    heading = outline.headings[0].title if outline.headings else ""
    return ParsedNote(note=note, passages=passages, findings=findings, heading=heading)


def read_properties(data: bytes) -> tuple[dict[str, object], tuple[str, ...]]:
    """The properties at the top of a note, and what could not be read, in words."""
    _, start, end, _ = properties_span(data)
    if not data[start:end].strip():
        return {}, ()
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    reader = YAML(typ="safe", pure=True)
    reader.allow_duplicate_keys = True
    # The reader raises nearly any built-in error for odd dates, numbers, tags and nesting.
    try:
        value = reader.load(data[start:end].decode("utf-8"))
        if isinstance(value, dict):
            plain = _plain(value, [20000], 0)
            assert isinstance(plain, dict)
            return plain, ()
    except (YAMLError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()
        return {}, (f"the properties are not valid YAML ({reason[0] if reason else type(error).__name__}) and were not read",)
    return {}, () if value is None else ("the properties are not a list of names and values and were not read",)


def _plain(value: object, budget: list[int], depth: int) -> object:
    """JSON-like copy: text keys, no shared or endless nesting. Raises ValueError when the value expands beyond reason."""
    budget[0] -= 1
    if budget[0] < 0 or depth > 50:
        raise ValueError("too large or nested too deeply")
    if isinstance(value, Mapping):
        return {_name(key): _plain(item, budget, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, budget, depth + 1) for item in value]
    if value is None or isinstance(value, bool | int | str):
        return value if not isinstance(value, str) else _encodable(value)
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    return _encodable(str(value))


def _name(key: object) -> str:
    return _encodable("" if key is None else str(key))


def _encodable(text: str) -> str:
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _aliases(properties: Mapping[str, object]) -> tuple[str, ...]:
    found: list[str] = []
    for name, value in properties.items():
        if name.casefold() in ("aliases", "alias"):
            items = value if isinstance(value, list) else str(value or "").split(",")
            found += [text for item in items if item is not None and (text := str(item).strip())]
    return tuple(dict.fromkeys(found))


def _passages(path: str, identity: str, data: bytes, outline: Outline, tokens: Sequence[Token]) -> Iterator[Passage]:
    content = [token for token in tokens if token.kind not in (*_LAYOUT, *_REMARKS)]
    starts = [token.start for token in content]
    bullets = {token.start for token in tokens if token.kind == "list_marker"}
    count: Counter[tuple[str, ...]] = Counter()
    trail: list[Heading] = []
    sections: list[tuple[Heading | None, int, int]] = []
    borders = [heading.start for heading in outline.headings] + [len(data)]
    sections.append((None, outline.body, borders[0]))
    sections += [(heading, heading.start, borders[index + 1]) for index, heading in enumerate(outline.headings)]
    first, above = 0, outline.body
    for heading, start, end in sections:
        while first < len(outline.lines) and outline.lines[first].start < start:
            first += 1
        last = first
        while last < len(outline.lines) and outline.lines[last].start < end:
            last += 1
        if heading is not None:
            trail = [item for item in trail if item.level < heading.level] + [heading]
        titles = tuple(item.title for item in trail)
        lines = outline.lines[first:last]
        inside = content[bisect_left(starts, start) : bisect_left(starts, end)]
        if not _has_prose(data, lines, inside, strict=heading is None):
            continue
        for begin, stop in _pieces(data, lines, bullets):
            number = count[titles]
            count[titles] += 1
            yield Passage(
                id=passage_id(path, titles, number), note_id=identity, note_path=path, start=begin, end=stop,
                text=data[begin:stop].decode("utf-8"), headings=titles, lead=data[above:begin].decode("utf-8"),
            )  # fmt: skip
            above = stop


def _has_prose(data: bytes, lines: Sequence[Line], tokens: Iterable[Token], *, strict: bool) -> bool:
    """Is there anything to learn from? Comments never count; before the first heading, bare links, embeds and tags do not either."""
    titles = [(line.start, line.end) for line in lines if line.kind in ("heading", "underline", "properties")]
    for token in tokens:
        if any(start <= token.start < end for start, end in titles):
            continue
        text = text_of(data, token)
        if any(map(str.isalnum, text)) and token.kind not in _NO_PROSE if strict else text.strip():
            return True
    return False


def _pieces(data: bytes, lines: Sequence[Line], bullets: Collection[int]) -> Iterator[tuple[int, int]]:
    """Spans of at most about LONG characters, cut before blank-line-separated blocks and top-level bullets; no blank ends."""
    blocks: list[_Block] = []
    inside: list[list[_Block]] = []  # the lines of each
    fresh = True
    for index, line in enumerate(lines):
        text = data[line.start : line.end].decode("utf-8")
        if line.kind == "blank" or (line.kind == "text" and not text.strip()):  # a form feed is text to Obsidian, and says nothing
            fresh = True
            continue
        heading_before = index and lines[index - 1].kind in ("heading", "underline")
        bullet = not heading_before and line.start in bullets
        # Blank lines inside a fence, comment or math block are of that kind, so they never cut it.
        size = len(text)
        if blocks and not fresh and not bullet:
            start, _, before = blocks[-1]
            blocks[-1] = (start, line.end, before + size)
        else:
            blocks.append((line.start, line.end, size))
            inside.append([])
        if line.kind in _WHOLE and inside[-1] and not fresh and lines[index - 1].kind == line.kind:
            inside[-1][-1] = _joined(inside[-1][-1], (line.start, line.end, size))
        else:
            inside[-1].append((line.start, line.end, size))
        fresh = False
    blocks = [
        part for block, rows in zip(blocks, inside, strict=True) for part in (_cut(data, rows, bullets) if block[2] > LONGEST else (block,))
    ]
    piece: _Block | None = None
    headed = bool(lines) and any(line.kind == "heading" for line in lines[:1])
    for number, (start, end, size) in enumerate(blocks):
        if piece is None:
            piece = (start, end, size)
        elif piece[2] + size > LONG and not (headed and number == 1):
            yield _trimmed(data, piece)
            piece = (start, end, size)
        else:
            piece = (piece[0], end, piece[2] + size)
    if piece is not None:
        yield _trimmed(data, piece)


def _cut(data: bytes, rows: list[_Block], bullets: Collection[int]) -> Iterator[_Block]:
    """A long list with all below it, or another long block, in parts of at most LONGEST: at the outermost items, else between lines."""
    depths = [_depth(data, row, bullets) for row in rows]
    waiting = [(0, len(rows))]
    while waiting:
        first, end = waiting.pop()
        whole = (rows[first][0], rows[end - 1][1], sum(size for _, _, size in rows[first:end]))
        if whole[2] <= LONGEST or end - first == 1:
            yield whole
            continue
        outermost = min((depth for depth in depths[first + 1 : end] if depth is not None), default=None)
        if outermost is None:
            part = rows[first]
            for row in rows[first + 1 : end]:
                if part[2] + row[2] > LONG:
                    yield part
                    part = row
                else:
                    part = _joined(part, row)
            yield part
            continue
        borders = [first, *(at for at in range(first + 1, end) if depths[at] == outermost), end]
        waiting += reversed(list(pairwise(borders)))


def _depth(data: bytes, row: _Block, bullets: Collection[int]) -> int | None:
    """How far in the item that begins with this line stands; None for other lines."""
    line = data[row[0] : row[1]]
    inward = len(line) - len(line.lstrip(b" \t"))
    return len(line[:inward].expandtabs(4)) if row[0] + inward in bullets else None


def _joined(block: _Block, other: _Block) -> _Block:
    return block[0], other[1], block[2] + other[2]


def _trimmed(data: bytes, piece: _Block) -> tuple[int, int]:
    """Without the last line's newline."""
    start, end, _ = piece
    return start, start + len(data[start:end].rstrip(b"\r\n"))
