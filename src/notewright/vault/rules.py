"""What is wrong in a note, each finding with its place, its rule and, where it is safe, a fix. Nothing is ever changed here.

An error is what Obsidian shows broken; a warning is most likely a slip; an info may well be meant. Templates, queries and code are not
judged, and a link to a note that does not exist yet is the person's way of asking for one: an info.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from .blocks import HTML_RAW, NEWLINE
from .index import VaultIndex
from .property_rules import property_findings
from .tokens import Token, tokenize
from .views import read_markdown_link, read_wikilink, text_of

RULES: dict[str, str] = {
    "unclosed-fence": "a code fence that runs to the end of the note",
    "unclosed-math": "$$ or $ without its partner",
    "unclosed-comment": "%% or <!-- without its partner",
    "unclosed-html": "<pre>, <script>, <style> or <textarea> that runs to the end of the note",
    "callout-header": "a callout header that is cut off or lacks its >",
    "broken-markup": "[[ without ]], an empty link, a link cut off at the line's end",
    "missing-file": "an embed, image or link whose file is not in the vault",
    "missing-note": "a wikilink to a note that does not exist (yet)",
    "missing-heading": "a link to a heading that its note does not have",
    "missing-block": "a link to a block id that its note does not have",
    "ambiguous-link": "a link that more than one file answers to",
    "embed-tail": "| center | 600 outside an embed's brackets, which Obsidian shows as text",
    "invalid-tag": "a tag that Obsidian does not take for one",
    "invalid-block-id": "a block id with other characters than letters, digits and dashes",
    "duplicate-block-id": "a block id given twice in one note",
    "invalid-properties": "properties that are not valid YAML",
    "duplicate-property": "a property named twice",
    "property-type": "a property whose value is not of its type in types.json",
    "property-link": "a link in the properties without quotes",
    "not-utf8": "bytes that are not UTF-8 text",
}
SEVERITIES = ("error", "warning", "info")
_MEDIA = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|bmp|avif|pdf|mp3|m4a|wav|ogg|mp4|webm|mov|mkv|canvas|base)\Z", re.IGNORECASE)
_OUTSIDE = re.compile(r"[A-Za-z][\w+.-]*:|//|/|#|\?|\{|<")
_ODD_BLOCK_ID = re.compile(r"(?:^|[ \t])(\^(?=[\w.-]*[A-Za-z])[A-Za-z0-9-]*[_.][\w.-]*)[ \t]*\Z")
_NUMBER_TAGS = re.compile(r"[ \t]*((?:#[\w/-]+[ \t]+)*#\d+(?:[ \t]+#[\w/-]+)*)[ \t]*\Z")
_TEX = re.compile(r"\\[A-Za-z]{2}|[\^_]\{")
_TEMPLATE = ("<%", "{{", "${")


@dataclass(frozen=True, slots=True)
class NoteFinding:
    """`start` and `end` are byte offsets, `line` counts from 1; `fix` is what the span would become, None where no fix is safe."""

    start: int
    end: int
    line: int
    rule: str
    severity: str
    message: str
    fix: str | None = None


Found = tuple[int, int, str, str, str, str | None]  # a NoteFinding without its line


def check_note(
    path: str, data: bytes, *, index: VaultIndex | None = None, types: Mapping[str, str] | None = None
) -> tuple[NoteFinding, ...]:
    """Findings in the note at vault-relative `path`, by place. Links are judged only with an `index`, property types with `types` (those
    of the vault's types.json). Never raises, whatever the bytes."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        start = error.start
        return (NoteFinding(start, error.end, data.count(b"\n", 0, start) + 1, "not-utf8", "error", "these bytes are not UTF-8 text"),)
    tokens = tokenize(data)
    found = [*structure(data, tokens), *_names(data, tokens), *property_findings(data, types or {})]
    if index:
        found += _links(path, data, tokens, index)
    lines = [match.end() for match in NEWLINE.finditer(data)]
    ordered = sorted(dict.fromkeys(found), key=lambda item: (item[0], item[1], item[2]))
    return tuple(NoteFinding(item[0], item[1], bisect_right(lines, item[0]) + 1, *item[2:]) for item in ordered)


def structure(data: bytes, tokens: Sequence[Token]) -> Iterator[Found]:
    """What is opened and never closed, or cut off. Drafts are judged by the same rules."""
    for token in tokens:
        if token.kind == "fence" and not token.level:
            first = data[token.start : token.end].split(b"\n")[0].rstrip()
            yield token.start, token.start + len(first), "unclosed-fence", "error", "the code fence is never closed", None
        elif token.kind == "html_block" and not token.depth and (tag := _open_to_the_end(data, token)):
            yield token.start, token.start + len(tag), "unclosed-html", "error", f"the HTML opened by {tag} is never closed", None
        elif token.kind == "text":
            yield from _text_structure(data, token)
        elif token.kind == "math" and b"\n\n" in data[token.start : token.end]:
            yield token.start, token.end, "unclosed-math", "error", "a math span runs over a blank line", None
    yield from _brackets(data, tokens)


def _open_to_the_end(data: bytes, token: Token) -> str:
    """The tag that opens HTML which no blank line ends and nothing closes; empty for other HTML."""
    opened = HTML_RAW.match(data, token.start, token.end)
    if not opened or data[token.end :].strip() or b"</" + opened[1].lower() in data[token.start : token.end].lower():
        return ""
    return f"<{opened[1].decode()}" + (">" if opened[0].endswith(b">") else "")


def left_open(data: bytes, tokens: Sequence[Token]) -> tuple[int, str] | None:
    """Where the first math block, comment or raw HTML begins that is never closed, and what it is, in words. Obsidian may hide all that
    follows it; `Outline.unclosed` is such a fence."""
    for start, end, rule, *_ in structure(data, tokens):
        mark = data[start:end].decode(errors="replace")
        if rule in ("unclosed-comment", "unclosed-html") or (rule == "unclosed-math" and mark == "$$"):
            line = len(NEWLINE.findall(data, 0, start)) + 1
            what = {"unclosed-comment": "comment", "unclosed-html": "HTML"}.get(rule, "math block")
            return start, f"{what} opened by {mark} on line {line}"
    return None


def _text_structure(data: bytes, token: Token) -> Iterator[Found]:
    text = text_of(data, token)
    if "$$" in text:
        yield *_within(token, text, text.find("$$"), 2), "unclosed-math", "error", "a math block opened by $$ is never closed", None
    elif (at := text.find("$")) >= 0 and text[at + 1 : at + 2].strip() and not text[at + 1].isdigit() and _TEX.search(text, at):
        yield *_within(token, text, at, 1), "unclosed-math", "warning", "a math span opened by $ is never closed", None
    if lone := re.search(r"(?<!\S)%%(?!\S)", text):  # %%name is a cell's magic in notebooks
        yield *_within(token, text, lone.start(), 2), "unclosed-comment", "warning", "a comment opened by %% is never closed", None
    if (at := text.find("<!--")) >= 0 and data.find(b"-->", token.start) < 0:
        yield *_within(token, text, at, 4), "unclosed-comment", "warning", "a comment opened by <!-- is never closed", None


def _brackets(data: bytes, tokens: Sequence[Token]) -> Iterator[Found]:
    """Line by line over what no construct has claimed."""
    for start, end, inside in _lines(data, tokens):
        text = "".join(text_of(data, token) if token.kind in ("text", "escape") else "\x00" for token in inside)
        if re.match(r"[\x00 \t]*\[!\w*\Z", text) and any(token.kind == "quote" for token in inside):
            yield start, end, "callout-header", "error", "a callout header is cut off", None
        elif re.match(r"\[!\w+\][+-]?", data[start:end].decode(errors="replace")):
            yield start, end, "callout-header", "error", "a callout header lacks its '>'", "> " + data[start:end].decode(errors="replace")
        elif re.search(r"\[\[\s*\]\]", text):
            yield start, end, "broken-markup", "error", "an empty link", None
        elif (
            text.count("[[") != text.count("]]")
            and not any(mark in text for mark in _TEMPLATE)
            and not re.search(r"\]\].", text.partition("[[")[2])
        ):
            yield start, end, "broken-markup", "error", "a wikilink or embed is broken", None
        elif re.search(r"\]\((?!\s)[^)\s]*\Z", text) or re.search(r"!\[[^\]\x00]*\Z", text):
            yield start, end, "broken-markup", "warning", "a link or image is cut off", None


def _names(data: bytes, tokens: Sequence[Token]) -> Iterator[Found]:
    """Tags and block ids."""
    seen: set[bytes] = set()
    for number, token in enumerate(tokens):
        if token.kind == "block_id":
            name = data[token.start : token.end].strip().lower()
            if name in seen:
                yield token.start, token.end, "duplicate-block-id", "warning", f"the block id {name.decode()} is given twice", None
            seen.add(name)
        elif token.kind == "text" and (number + 1 == len(tokens) or tokens[number + 1].kind == "newline"):
            text = text_of(data, token)
            if found := _ODD_BLOCK_ID.search(text):
                place = _within(token, text, found.start(1), len(found[1]))
                message = f"{found[1]} is no block id: only letters, digits and dashes"
                yield *place, "invalid-block-id", "warning", message, None
    for start, end, _ in _lines(data, tokens):
        if found := _NUMBER_TAGS.match(data[start:end].decode(errors="replace")):
            for tag in re.finditer(r"#\d+(?![\w/-])", found[1]):
                begin = start + len(found[0][: found.start(1) + tag.start()].encode())
                message = f"{tag[0]} is no tag: it needs a character that is no digit"
                yield begin, begin + len(tag[0]), "invalid-tag", "info", message, None


def _links(path: str, data: bytes, tokens: Sequence[Token], index: VaultIndex) -> Iterator[Found]:
    for number, token in enumerate(tokens):
        text = text_of(data, token)
        if token.kind == "embed_tail" and number:
            before = text_of(data, tokens[number - 1])
            segments = "|".join(part.strip() for part in text.split("|")[1:] if part.strip())
            meant = f"{before[:-2]}|{segments}]]" if before.endswith("]]") else None
            message = f"Obsidian shows{text.rstrip()} as text; probably meant {meant}"
            yield tokens[number - 1].start, token.end, "embed-tail", "warning", message, meant
        elif token.kind in ("wikilink", "embed"):
            link = read_wikilink(text)
            if not any(mark in text for mark in _TEMPLATE):
                yield from _target(token, link.target, link.part, path, index, embed=token.kind == "embed")
        elif token.kind in ("link", "image"):
            link_target = read_markdown_link(text).target
            place, _, part = link_target.partition("#")
            if place and not _OUTSIDE.match(place) and (place.lower().endswith(".md") or _MEDIA.search(place.partition("?")[0])):
                yield from _target(token, place.partition("?")[0], part, path, index, embed=token.kind == "image")


def _target(token: Token, target: str, part: str, path: str, index: VaultIndex, *, embed: bool) -> Iterator[Found]:
    span = token.start, token.end
    found = index.resolve(target, source=path) if target else (path,)
    if not found:
        if embed or _MEDIA.search(target):
            yield *span, "missing-file", "error" if embed else "warning", f"there is no file {target} in the vault", None
        elif target.lower().endswith(".md"):
            yield *span, "missing-note", "warning", f"there is no note {target}", None
        else:
            yield *span, "missing-note", "info", f"there is no note {target} yet", None
        return
    if len(found) > 1:
        message = f"{target} may be {', '.join(found[:4])}{' …' if len(found) > 4 else ''}"
        yield *span, "ambiguous-link", "warning", message, None
    if not part or not found[0].lower().endswith(".md"):
        return
    facts = [index.facts(one) for one in found]
    if part.startswith("^"):
        if not any(part[1:].casefold() in one.block_ids for one in facts):
            yield *span, "missing-block", "warning", f"{found[0]} has no block {part}", None
    elif not any(one.has_heading(part) for one in facts):
        # Markdown links may mean an HTML anchor, which other programs follow.
        severity = "warning" if token.kind in ("wikilink", "embed") else "info"
        yield *span, "missing-heading", severity, f"{found[0]} has no heading {part}", None


def _lines(data: bytes, tokens: Sequence[Token]) -> Iterator[tuple[int, int, list[Token]]]:
    """Spans of lines without their newline, and the tokens in them; lines inside a fence, comment or the properties are left out."""
    inside: list[Token] = []
    for token in tokens:
        if token.kind == "newline" or b"\n" in data[token.start : token.end]:
            if inside:
                yield inside[0].start, inside[-1].end, inside
            inside = []
        elif token.kind != "bom":
            inside.append(token)
    if inside:
        yield inside[0].start, inside[-1].end, inside


def _within(token: Token, text: str, at: int, length: int) -> tuple[int, int]:
    """Byte offsets of characters `at` and on of the token's text."""
    start = token.start + len(text[:at].encode())
    return start, start + len(text[at : at + length].encode())
