"""A draft's links, assets and locations, set right where there is only one way: what is left over, the gates reject.

A file or address one slip away from a given one becomes that one; what names a highlight names the one that its line rests on; a picture
shown again is taken out; a link that leads nowhere the notes or highlights lead is turned into its words; a page that is another
highlight's becomes the one where the quoted one stands. So an accepted draft holds no
asset and no link that its reader never had.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from urllib.parse import quote, unquote

from ..records import Highlight
from .index import VaultIndex
from .locations import put_right
from .pointers import Pointer, addresses_of, form_of, pointers, renumbered
from .protect import MEDIA
from .strays import URL, Allowed
from .tokens import Token, tokenize
from .views import WikiLink, read_markdown_link, read_wikilink, text_of

_NEAR = 85.0  # of 100, as rapidfuzz's ratio says
_CLEAR = 8.0  # by which the nearest must beat the next
_SPACES = re.compile(r"\s+")
_TAG = re.compile(r"#|#?[\w/-]+")
_REMARK = re.compile(r"[.!?:;)\]”\"]\s*\Z")  # after this, a link at a line's end is a reference, not part of the sentence

Change = tuple[int, int, str, str]  # start, end (bytes), replacement, what was done


@dataclass(frozen=True, slots=True)
class Repaired:
    """The draft as mended; `repairs` say what was done, in words."""

    text: str
    repairs: tuple[str, ...] = ()


def repair_draft(
    text: str,
    *,
    highlights: Sequence[Highlight],
    known: str = "",
    vault_index: VaultIndex | None = None,
    linked: AbstractSet[str] = frozenset(),
    tags: Sequence[str] = (),
) -> Repaired:
    """Mend `text`, a section drafted from `highlights`. `known` is further text it may draw on (title, author, addresses); `linked` are
    link targets in use in the person's notes, whether or not there is such a note; `tags` are the source's."""
    data = text.encode("utf-8", errors="replace")
    allowed = Allowed(highlights, known, vault_index, linked)
    tokens = tokenize(data)
    named = pointers(data, tokens, highlights)
    changes = [*_changes(data, tokens, allowed, named, {form_of(target) for target in linked})]
    words = {_SPACES.sub("-", tag).casefold() for tag in (*tags, *(tag for item in highlights for tag in item.tags))}
    linked_right = _changed(text, data, [*changes, *_tag_line(data, tokens, words)])
    placed, done = put_right(linked_right.text, highlights)
    return Repaired(placed, (*linked_right.repairs, *done))


def name_highlights(text: str, *, highlights: Sequence[Highlight], linked: AbstractSet[str] = frozenset()) -> str:
    """The text with the true address or id wherever it names a highlight; nothing else is mended."""
    data = text.encode("utf-8", errors="replace")
    tokens = tokenize(data)
    named, forms, shown = pointers(data, tokens, highlights), {form_of(target) for target in linked}, set[str]()
    return _changed(text, data, [change for pointer in named.values() for change in _pointed(data, tokens, pointer, forms, shown)]).text


def _changed(text: str, data: bytes, changes: Sequence[Change]) -> Repaired:
    pieces, at = [], 0
    for start, end, replacement, _ in changes:
        pieces += [data[at:start], replacement.encode()]
        at = end
    if not changes:
        return Repaired(text)
    return Repaired(b"".join([*pieces, data[at:]]).decode("utf-8"), tuple(change for *_, change in changes))


def _changes(
    data: bytes, tokens: Sequence[Token], allowed: Allowed, named: Mapping[int, Pointer], linked: AbstractSet[str]
) -> Iterator[Change]:
    """`named` are the names of highlights in the draft, `linked` the forms of the addresses in the person's notes."""
    shown: set[str] = set()
    ids: set[str] = set()
    for number, token in enumerate(tokens):
        text = text_of(data, token)
        if number in named:
            yield from _pointed(data, tokens, named[number], linked, ids)
        elif token.kind in ("embed", "image"):
            link = read_wikilink(text) if token.kind == "embed" else read_markdown_link(text)
            target, near = link.target, _mended_asset(link.target, allowed)
            # Two addresses may end alike, and two pages of one file are two pictures.
            part = link.part if isinstance(link, WikiLink) else ""
            web = allowed.web_picture(near or target) if token.kind == "embed" and not part else ""
            name = f"{web or (near or target if URL.match(near or target) else _name(near or target))}#{part}"
            line = _own_line(tokens, number)
            if name in shown and line:
                yield *line, "", f"{near or target} was shown twice"
            elif web:
                yield token.start, token.end, _from_web(text, web), f"{near or target} is not in the vault: it is shown from {web}"
            elif near:
                new = quote(near) if token.kind == "image" and not URL.match(near) and f"<{target}>" not in text else near
                yield token.start, token.end, text.replace(target, new), f"{target} was read as {near}"
            shown.add(name)
        elif token.kind == "block_id":
            if text.casefold() in ids:
                yield len(data[: token.start].rstrip(b" \t")), token.end, "", f"{text} stands there already, and was taken out"
            ids.add(text.casefold())
        elif token.kind == "wikilink":
            yield from _linked(data, tokens, number, allowed)
        elif token.kind == "link":
            link = read_markdown_link(text)
            if link.target and not allowed.has_address(link.target, data):
                near = _nearest(link.target, allowed.urls) if URL.match(link.target) else ""
                if near:
                    yield token.start, token.end, text.replace(link.target, near), f"{link.target} was read as {near}"
                else:
                    yield _taken_out(data, tokens, number, link.target, link.text, label=False)
        elif token.kind in ("url", "autolink") and not allowed.has_url(text.strip("<>")):
            near = _nearest(text.strip("<>"), allowed.urls)
            if near:
                yield token.start, token.end, text.replace(text.strip("<>"), near), f"{text} was read as {near}"


def _tag_line(data: bytes, tokens: Sequence[Token], tags: AbstractSet[str]) -> Iterator[Change]:
    """`# sound #craft` at the end is a line of tags, not a heading over nothing: with a space before it, as in the prompt, a word
    is other tokens than right behind the mark, and models write it so."""
    heading = next((token for token in reversed(tokens) if token.kind == "heading"), None)
    if heading is None or heading.level != 1:
        return
    line = data[heading.end :].rstrip()
    words = line.decode("utf-8").split()
    known = (bool(_TAG.fullmatch(word)) and (word.startswith("#") or word.casefold() in tags) for word in words)
    if words and b"\n" not in line and all(known):
        meant = " ".join(f"#{word.lstrip('#')}" for word in words if word != "#")
        yield heading.start, heading.end + len(line), meant, f"# {' '.join(words)} became {meant}"


def _pointed(data: bytes, tokens: Sequence[Token], pointer: Pointer, linked: AbstractSet[str], ids: set[str]) -> Iterator[Change]:
    """What names a highlight names the one that its line rests on, or goes. `ids` are the block ids there are by now."""
    token, name, meant = tokens[pointer.number], pointer.name, pointer.meant
    text = text_of(data, token)
    right = bool(pointer.held) and not pointer.wrong
    new = name if right else ""
    if meant and not right:
        given, form = addresses_of(meant), form_of(name)
        new = renumbered(name, meant) if pointer.kind == "id" else given.get(form, meant.url if form_of(meant.url) in linked else "")
    if pointer.kind == "id":
        if new.casefold() in ids:
            new = ""
        ids.add(new.casefold())
    if new and new != name:
        yield token.start, token.end, text.replace(name, new), f"{name} became {new}, after the highlight that the line rests on"
    elif not new and pointer.kind == "address":
        yield _taken_out(data, tokens, pointer.number, name, read_markdown_link(text).text if token.kind == "link" else "", label=True)
    elif not new:
        start, end = _own_line(tokens, pointer.number) or (len(data[: token.start].rstrip(b" \t")), token.end)
        yield start, end, "", f"{name}, which no highlight has that the line rests on, was taken out"


def _taken_out(data: bytes, tokens: Sequence[Token], number: int, target: str, words: str, *, label: bool) -> Change:
    """A link without its address: only the words are kept, and not even these where they stand alone in brackets, or are the `label` of
    what names a highlight at the end of a line. Words with a number say where it is, also without the address."""
    token = tokens[number]
    before, after = data[: token.start], data[token.end :]
    whole, kept = f"the link to {target} was taken out", f"the link to {target} was taken out, its words kept"
    if any(char.isdigit() for char in words):
        return token.start, token.end, words, kept
    if before.endswith((b"(", b"[")) and after[:1] in (b")", b"]"):
        return len(before[:-1].rstrip(b" \t")), token.end + 1, "", whole
    if label and (line := _own_line(tokens, number)):
        return *line, "", whole
    start = before.rstrip(b" \t")
    if label and not re.match(rb"[ \t]*[^\s^]", after) and (not words or _REMARK.search(start[-8:].decode("utf-8", errors="ignore"))):
        return len(start), token.end, "", whole
    return token.start, token.end, words, kept


def _linked(data: bytes, tokens: Sequence[Token], number: int, allowed: Allowed) -> Iterator[Change]:
    """A wikilink to no note is turned into its words; one to a part that the note has not got leads to the note."""
    token = tokens[number]
    link = read_wikilink(text_of(data, token))
    if not allowed.has_link(link.target):
        yield _unlinked(data, tokens, number, link.shown)
    elif link.part and not allowed.has_part(link.target, link.part, data):
        words = link.segments[-1] if link.segments else ""
        new = f"[[{link.target}|{words}]]" if words else f"[[{link.target}]]" if link.target else link.shown
        new = new if link.target else link.shown
        yield (
            token.start,
            token.end,
            new,
            f"there is no {link.part} in {link.target or 'this section'}, so the link leads to the note itself",
        )


def _from_web(embed: str, address: str) -> str:
    """The embed as a picture from the network. Of both forms Obsidian reads the last segment as a size, and themes the others as words of
    style, but the first is the caption here; in tables their pipes stay escaped."""
    segments = re.sub(r"\A!\[\[[^|\\\]]*|\]\]\Z", "", embed)
    bare = re.sub(r"\A\\?\|", "", segments)
    sized = re.match(r"[ \t]*\d", bare)
    return f"![{segments if sized else bare}]({address})"


def _mended_asset(target: str, allowed: Allowed) -> str:
    """The one given file or address that `target` nearly is; empty where it is one already, or nothing is near enough.

    A path that leads nowhere is read as the vault's one file of that name: where the folder is wrong, no other can be meant.
    """
    if not target:
        return ""
    if URL.match(target):
        pictures = [] if allowed.has_url(target) else [url for url in allowed.urls if MEDIA.search(url)]
        called = [url for url in pictures if _name(url) == _name(target)]
        return called[0] if len(called) == 1 else _nearest(target, pictures)
    if not MEDIA.search(target):
        return ""
    index, name = allowed.index, _name(target)
    held = () if index is None or index.has_file(target) else index.named(name)
    if len(held) == 1:
        return held[0].rpartition("/")[2]
    if allowed.has_file(target):
        return ""
    near = _nearest(name, [given for given in allowed.files if MEDIA.search(given)])
    if index is not None and "/" in unquote(target) and len(index.named(near)) != 1:
        return ""  # which folder's it is, nobody can say
    return allowed.files[near] if near else ""


def _name(target: str) -> str:
    return unquote(target).replace("\\", "/").rpartition("/")[2].casefold()


def _nearest(word: str, known: Iterable[str]) -> str:
    from rapidfuzz import fuzz, process

    found = process.extract(word, list(known), scorer=fuzz.ratio, limit=2, score_cutoff=_NEAR - _CLEAR)
    if not found or found[0][1] < _NEAR or (len(found) > 1 and found[0][1] - found[1][1] < _CLEAR):
        return ""
    return str(found[0][0])


def _own_line(tokens: Sequence[Token], number: int) -> tuple[int, int] | None:
    """Byte span of the line, newline and a blank line after it included, if the token stands alone on it."""
    first, last = number, number
    while first and tokens[first - 1].kind in ("indent", "quote", "list_marker"):
        first -= 1
    while last + 1 < len(tokens) and tokens[last + 1].kind in ("indent", "embed_tail"):
        last += 1
    if (first and tokens[first - 1].kind != "newline") or (last + 1 < len(tokens) and tokens[last + 1].kind != "newline"):
        return None
    end = last
    while end + 1 < len(tokens) and tokens[end + 1].kind == "newline" and end - last < 2:
        end += 1
    return tokens[first].start, tokens[end].end


def _unlinked(data: bytes, tokens: Sequence[Token], number: int, words: str) -> Change:
    """Without its brackets; a reference at the end of a line, behind a finished sentence or another link, goes as a whole."""
    token = tokens[number]
    line_start = max(data.rfind(b"\n", 0, token.start), data.rfind(b"\r", 0, token.start)) + 1
    before = data[line_start : token.start].decode("utf-8", errors="replace")
    after = re.match(rb"[^\r\n]*", data[token.end :])
    rest = re.sub(rb"\[\[[^\[\]]*\]\]", b"", after[0] if after else b"").strip()
    if _REMARK.search(before) and not rest:
        start = token.start - (len(before) - len(before.rstrip(" ")))
        return start, token.end, "", f"the reference to [[{words}]], which is in no note, was taken out"
    return token.start, token.end, words, f"the link to [[{words}]], which is in no note, was turned into its words"
