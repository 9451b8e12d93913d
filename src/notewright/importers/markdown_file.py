"""One Markdown file of an export: the official template, the manual export, and people's own templates as far as they show a shape.

A line walker. Above the highlights it gathers metadata; below it opens an item at each bullet, quote block, paragraph or heading that
names one highlight, and hangs continuation lines, notes, tags and links on it. Other headings there are chapter marks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from ..records import Highlight, Source
from ..text import plain_newlines
from .markdown_marks import (
    AUTHOR_KEYS,
    PLACES,
    Tail,
    cut_tail,
    field_line,
    following,
    front_matter,
    heading,
    key_line,
    of_a_notebook,
    of_a_remark,
    of_a_snip,
    of_one_highlight,
    opens_highlights,
    part_of_a_snip,
    read_place,
    says_added,
    unquoted,
)
from .marks import KIND_OF, read_marks, review_id, source_ids, split_tags

_BULLET = re.compile(r"[-*+][ \t\u00a0]+(.*)$|[-*+]$")
_FENCE = re.compile(r"[ >\t]*(?:[-*+] )?`{3,}[^`]*$")
_RULE = re.compile(r"(?:-{3,}|\*{3,}|_{3,})\s*$")
_COVER = re.compile(r"!\[rw-book-cover\]\(([^)]*)\)")
_CALLOUT = re.compile(r"\[!\w+\][-+]?\s*(.*)$")
_EVIDENCE = re.compile(
    r"rw-book-cover|readwise\.io/(?:open|to_kindle|bookreview)|read\.readwise\.io|\s\^rw(?:hi)?\d|\((?:Page|Location)[ \u00a0]\d+\)"
    r"|\[(?:Location|Position|Seite) \d|\((?:Seite|Position|Pos\.)[ \u00a0]\d+(?:[-–]\d+)?\)|share\.snipd\.com/snip/"
    r"|^- Highlights first synced by \[\[Readwise\]\]"
    r"|^(?:#+ )?(?:Highlight|Markierung) ?\(\w+\) [-–—] ",
    re.MULTILINE,
)
_LOGS = re.compile(r"(?:readwise )?syncs?", re.IGNORECASE)
_DATE_ONLY = re.compile(r"(?:[A-Z][a-z]{2,8}\.? \d{1,2}|\d{1,2} [A-Z][a-z]{2,8}),? \d{4}")  # of Apple Books' mails
_NO_TITLES = ("metadata", "information", "about", "summary", "notes")
_SUMMARIES = ("summary", "document summary", "abstract")
_ADDRESS = re.compile(r"<?https?://\S+>?")
_DATE = re.compile(r"(?:\[\[)?\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?(?:\]\])?")
_OWN_LINE = re.compile(  # the person's: nothing but tags, links to notes and footnotes
    r"(?:(?:#(?!\d+(?:\s|$))[^\s#]+|\[\[[^\]]*\]\]|\[[^\]]*\]\((?!\w+:)[^\s()]*\.md\)|\[\^[^\]\s]+\])\s*)+|\[\^[^\]\s]+\]:.*"
)
_URL_KEYS = ("url", "source url", "link", "source", "original url")
_FIELDS = (
    *AUTHOR_KEYS, *_URL_KEYS, "title", "full title", "category", "type", "media", "kind", "tags", "document tags", "document note",
    "summary", "cover", "image", "asin",
)  # fmt: skip
_LONGEST_FIELD = 60  # characters of one that no template is known for
_LONGEST_NAMES = 100  # characters of a line with names of more authors
_LOGSEQ = re.compile(r"\s*(?:id:: [0-9a-f-]{36}|collapsed:: (?:true|false))\s*")  # of its blocks, and no words
_PICTURE = re.compile(r"(?:[-*+] )?!\[[^\]]*\]\((\S+)\)")
_NO_WORDS = "-*+\\ \n"  # what an empty item leaves
_SHEET = re.compile(r"<audio\b.*?(?:</audio>|$)|<summary>[^<]*</summary>|</?[a-z][^<>]*>|^Click to expand$", re.IGNORECASE | re.MULTILINE)


@dataclass(slots=True)
class _Item:
    """One highlight, chapter mark or rule in the making."""

    kind: str  # bullet, quote, paragraph, heading (it names one highlight), snip (Snipd's), mark, rule, end (of the chapter above)
    line: int
    lines: list[str] = field(default_factory=list)
    note: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    level: int = 0
    in_note: bool = False
    inner: int = 0  # how far in the words of an empty item stand
    tail: Tail = field(default_factory=lambda: Tail(""))

    def said(self) -> str:
        return "\n".join(self.lines)

    def finish(self, forms: Collection[str]) -> None:
        """With the places that are an exporter's, as far as an author may write them so too: those of these forms."""
        cut = cut_tail(_spoken(self.said()) if self.kind == "snip" else self.said(), forms=forms)
        known = self.tail
        for url, label in ((cut.url, ""), (known.url, "")):
            if url:
                cut.link(url, label)
        cut.ids = list(dict.fromkeys([*cut.ids, *known.ids]))
        cut.asin = cut.asin or known.asin
        if known.location is not None and cut.location is None:
            cut.location, cut.location_type = known.location, known.location_type
        cut.found = cut.found or known.found
        self.tail = cut


@dataclass(slots=True)
class MarkdownFile:
    """A parsed file. `source` is absent where the file is no export; `official` says that it has the standard template's metadata."""

    source: Source | None
    official: bool = False


def read_markdown_file(text: str, *, stem: str, folder: str = "") -> MarkdownFile:
    """Parse one file; `stem` and `folder` stand in for what its template does not say."""
    text = plain_newlines(text).lstrip("\ufeff")
    if _LOGS.fullmatch(stem):
        return MarkdownFile(None)
    front, body, _ = front_matter(text)
    lines = body.split("\n")
    snips = "share.snipd.com/" in body
    has_heading = any(
        depth and (opens_highlights(words) or (snips and words.casefold() == "snips")) for depth, words in map(heading, lines)
    )
    if not has_heading and not _EVIDENCE.search(body):
        return MarkdownFile(None)
    head, items = _Walk(assume=not has_heading, snips=snips).run(lines)
    forms = _places(items)
    for item in items:
        item.finish(forms)
    items = _joined(items)
    official = any(key == "full title" for key, _ in head.fields) and any(key == "category" for key, _ in head.fields)
    if not has_heading and _is_prose(items):
        return MarkdownFile(None)  # the document itself, below its cover
    highlights = [found for item in items if (found := _highlight(item))]
    if not any(item.text for item in highlights) and not (official or "rw-book-cover" in body):
        return MarkdownFile(None)
    asins = [item.tail.asin for item in items if item.tail.asin]
    return MarkdownFile(_source(front, head, highlights, asins[0] if asins else "", stem, folder, body), official)


@dataclass(slots=True)
class _Head:
    titles: list[tuple[int, str]] = field(default_factory=list)
    fields: list[tuple[str, str]] = field(default_factory=list)
    cover: str = ""
    summary: list[str] = field(default_factory=list)

    def get(self, *keys: str) -> str:
        return next((value for key, value in self.fields if key in keys and value), "")


class _Walk:
    """The line walker: head, highlights, other."""

    def __init__(self, *, assume: bool, snips: bool) -> None:
        self.assume = assume  # there is no Highlights heading: they start where the metadata ends
        self.snips = snips  # Snipd's: headings with a time are highlights
        self.mode = "head"
        self.summing = False  # in a summary above the highlights
        self.section = 1 if assume else 6
        self.head = _Head()
        self.items: list[_Item] = []
        self.item: _Item | None = None
        self.blank = True
        self.quoting = False
        self.fenced = False
        self.shift = 0  # how far in an outliner's highlights stand
        self.outer: list[int] = []  # the same of those outside of the chapters that they hang below
        self.column = 0  # where the words of the last bullet begin

    def run(self, lines: list[str]) -> tuple[_Head, list[_Item]]:
        for number, line in enumerate(lines, 1):
            line = line.rstrip()
            if _LOGSEQ.fullmatch(line) and not self.fenced:
                continue
            if self.shift and line:
                line = line.expandtabs(4)
                while self.shift and not line[: self.shift].isspace():
                    self.shift, ended = (self.outer.pop(), not self.outer) if self.outer else (0, False)
                    if ended:
                        self._open("end", number)
                        self.item = None
                line = line[self.shift :]
            depth, words = heading(line)
            if depth and self.fenced:
                self.fenced = not (of_one_highlight(words) or opens_highlights(words))  # its end was forgotten
                depth = 0 if self.fenced else depth
            if depth:
                self._heading(depth, words, number)
            elif self.mode == "head":
                self._head_line(line, number)
            elif self.mode == "highlights":
                self._line(line, number)
            self.quoting = self.quoting and line.startswith(">")
            self.blank = not line.strip()
            if _FENCE.match(line):
                self.fenced = not self.fenced
        return self.head, self.items

    def _open(self, kind: str, number: int, first: str = "", level: int = 0) -> _Item:
        self.column = self.column if kind == "bullet" else 0
        self.item = _Item(kind, number, [first] if first else [], level=level)
        self.items.append(self.item)
        return self.item

    def _heading(self, depth: int, words: str, number: int) -> None:
        if opens_highlights(words) or (self.snips and words.casefold() == "snips"):
            self.section = min(self.section, depth) if self.mode == "highlights" or self.section < 6 else depth
            self.mode, self.item = "highlights", None
            self._added(words, number)
            return
        if self.snips and self._snip(depth, words, number):
            return
        if self.item and self.item.kind == "heading" and of_a_remark(words):
            self.item.in_note = True
            return
        self.summing = self.mode == "head" and words.casefold() in _SUMMARIES
        if self.mode == "head":
            self.head.titles.append((depth, words))
            if not (self.assume and of_one_highlight(words)):
                return
            self.mode, self.section = "highlights", min(self.section, depth - 1)
        if self.mode != "highlights":
            return
        one = of_one_highlight(words)
        if one:
            self._open("heading", number).tail = one
        elif (depth <= self.section and self.section < 3) or words.casefold() in ("full document", "metadata"):
            self.mode, self.item = "other", None
        else:
            self._open("mark", number, words, min(6, max(1, depth - self.section)))

    def _snip(self, depth: int, words: str, number: int) -> bool:
        """Is it a heading of Snipd's for one highlight, or for a part of one?"""
        if one := of_a_snip(words):
            if self.mode == "head":
                self.mode, self.section = "highlights", min(self.section, depth - 1)
            item = self._open("snip", number, one[1])
            item.tail.place("time", one[0])
        elif part := self.item and self.item.kind == "snip" and part_of_a_snip(words):
            assert self.item
            self.item.in_note = part.startswith("note")
        else:
            return False
        return True

    def _head_line(self, line: str, number: int) -> None:
        if not line.strip() or self._more_authors(line):
            return
        if cover := _COVER.search(line):
            self.head.cover = cover[1]
            return
        if (picture := _PICTURE.fullmatch(line.strip())) and not self.head.cover:
            self.head.cover = picture[1]
            return
        bullet = _BULLET.match(line)
        if self.summing and not (bullet or line.startswith(">") or _RULE.match(line) or cut_tail(line).found):
            self.head.summary.append(line.strip())
            return
        if _ADDRESS.fullmatch(line.strip()):
            self.head.fields.append(("url", line.strip(" <>")))
            return
        if _DATE.fullmatch(line.strip()) or _OWN_LINE.fullmatch(line.strip()):
            return
        if bullet and (opens_highlights(bullet[1] or "")):
            self.mode = "highlights"
            self._shifted()
            return
        key, value = field_line(line.strip() if self.assume else line.lstrip("> \t"))  # in a callout, perhaps
        if key and (not self.assume or self._is_field(key, value, bullet is not None)):
            self.head.fields.append((key, unquoted(value)))
        elif self.assume:
            self.mode = "highlights"
            self._line(line, number)

    def _more_authors(self, line: str) -> bool:
        """Does the line go on with the names of the one above: deeper, or below a name that has no end?"""
        key, names = self.head.fields[-1] if self.head.fields else ("", "")
        if self.blank or key not in AUTHOR_KEYS:
            return False
        words = line.strip(" \t>")
        bullet = _BULLET.match(words)
        words = (bullet[1] or "" if bullet else words).strip()
        open_end = names.count("[[") > names.count("]]") or bool(re.search(r"(?:[,;&]|\b(?:and|und))$", names))
        if not words or len(words) > _LONGEST_NAMES or not (open_end or line[0].isspace()):
            return False
        if opens_highlights(words) or cut_tail(words).found or field_line(words)[0] in _FIELDS:
            return False
        self.head.fields[-1] = (key, following(names, words) if names else words)
        return True

    def _is_field(self, key: str, value: str, bulleted: bool) -> bool:
        """Is it metadata, and not the first highlight, where no heading tells them apart?"""
        if len(key.split()) > 3 or cut_tail(value).found:
            return False
        return not bulleted or key in _FIELDS or (len(value) <= _LONGEST_FIELD and not self.summing)

    def _added(self, words: str, number: int) -> None:
        """What is added later stands below, of whatever chapter it is."""
        if says_added(words):
            self._open("end", number)
            self.item = None

    def _shifted(self) -> None:
        """An outliner's `- New highlights added …`: the highlights hang one level below."""
        self.shift, self.item = 4, None

    def _line(self, line: str, number: int) -> None:
        item, stripped = self.item, line.strip()
        if not stripped:
            return
        indent = len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())
        if self.fenced and item:
            (item.note if item.in_note else item.lines).append(self._code(line, indent))
        elif indent >= 2 and item and item.kind != "rule":
            self._below(item, line, stripped, number)
        elif line.startswith(">"):
            self._quote(line[1:].removeprefix(" "), number)
        elif _RULE.match(line):
            self._open("rule", number)
            self.item = None
        elif bullet := _BULLET.match(stripped):
            self.column = indent + 2
            self._bullet(bullet[1] or "", stripped, number)
        else:
            self._plain(stripped, number)

    def _code(self, line: str, indent: int) -> str:
        """A line of a code block without what belongs to the bullet or quote around it."""
        if self.quoting and line.startswith(">"):
            return line[1:].removeprefix(" ")
        return line.expandtabs(4)[min(indent, self.column) :] if self.column and indent else line

    def _below(self, item: _Item, line: str, stripped: str, number: int) -> None:
        """An indented line: a Tags or Note bullet, or more of what it stands below."""
        bulleted = _BULLET.match(stripped)
        key, value = key_line(stripped) if bulleted or item.kind != "bullet" else ("", "")
        self.column = len(line.expandtabs(4)) - len(stripped) + 2 if bulleted and key else self.column
        if bulleted and bulleted[1] in (None, "-") and self._heads(item):
            item.kind, item.level = "mark", len(self.outer) + 1
            self.outer.append(self.shift)
            self.shift += len(line.expandtabs(4)) - len(stripped)
            self._open("bullet", number)
        elif key and (bulleted or key in ("tags", "note")):
            self._key(item, key, value)
        elif item.in_note:
            item.note.append(stripped)
        elif bulleted and item.kind == "bullet" and not item.lines:  # an outliner's empty item: its words are the first below it
            item.lines.append(bulleted[1] or "")
            item.inner = len(line.expandtabs(4)) - len(stripped)
        elif item.inner:
            item.lines.append(line.expandtabs(4)[min(item.inner, len(line.expandtabs(4)) - len(stripped)) :])
        else:
            item.lines.append(re.sub(r"^(?:  |\t)", "", line))

    def _heads(self, item: _Item) -> bool:
        """Is it a chapter, where an outliner's empty item hangs below it? It has nothing but a line of words."""
        plain = item.kind == "bullet" and len(item.lines) == 1 and not (item.inner or item.note or item.tags or item.tail.found)
        return bool(self.shift) and plain and not cut_tail(item.lines[0]).found

    def _quote(self, words: str, number: int) -> None:
        item = self.item
        if item and item.kind == "heading" and item.in_note:
            item.note.append(f"> {words}".rstrip())  # a quote in the person's remark
            return
        if item is None or not (self.quoting or item.kind in ("heading", "snip")):
            item = self._open("quote", number)
        self.quoting = True
        if callout := _CALLOUT.match(words.strip()):
            title = cut_tail(callout[1])
            for item_id in title.ids:
                item.tail.ids.append(item_id)
            if title.found:
                item.tail.found, item.tail.url, item.tail.asin = True, title.url, title.asin
                item.tail.location, item.tail.location_type = title.location, title.location_type
            return
        key, value = key_line(words.strip())
        if key in ("tags", "note") and item.lines:
            self._key(item, key, value)
        elif item.in_note:
            item.note.append(words.strip())
        elif words.strip() or item.lines:
            item.lines.append(words.rstrip())

    def _bullet(self, words: str, stripped: str, number: int) -> None:
        item = self.item
        if says_added(words):
            self._added(words, number)
            self._shifted()
            return
        if item and item.kind == "snip":
            (item.note if item.in_note else item.lines).append(stripped)
            return
        if item and item.kind in ("heading", "quote", "paragraph"):
            key, value = key_line(stripped)
            if key in ("tags", "note", "color", "colour", "link", "url", "id", *PLACES):
                self._key(item, key, value)
                return
            if item.kind == "heading":
                (item.note if item.in_note else item.lines).append(words if not item.lines else stripped)
                return
        depth, title = heading(words)
        if depth:
            self._open("mark", number, title, depth)
        else:
            self._open("bullet", number, "" if words == "-" else words)

    def _plain(self, stripped: str, number: int) -> None:
        item = self.item
        if of_a_notebook(stripped) or (item and item.kind == "heading" and of_a_remark(stripped)):
            self._heading(6, stripped, number)
            return
        key, value = key_line(stripped)
        if item and item.kind not in ("mark", "rule"):
            if key and (item.kind != "bullet" or self.blank):
                self._key(item, key, value)
                return
            if self._hangs(item, stripped):
                return
            if not self.blank or item.kind == "snip":
                (item.note if item.in_note else item.lines).append(stripped)
                return
            if item.kind == "heading":
                told = item.in_note or (item.lines and item.note is not None)
                (item.note if told else item.lines).append(stripped)
                item.in_note = item.in_note or bool(told)
                return
        if stripped.startswith("%%") and stripped.endswith("%%"):
            return
        if (self.blank or item is None) and _OWN_LINE.fullmatch(stripped):
            self.item = None
            return
        self._open("paragraph", number, stripped)

    def _hangs(self, item: _Item, stripped: str) -> bool:
        """A line that is only links, ids or comments belongs to the item above it."""
        cut = cut_tail(stripped, forms=None if self.blank else ())  # right below a line, `(p. 12)` may be its end
        if cut.text.strip(" ()|·-–—") or not (cut.found or stripped.startswith("%%")):
            return False
        self._take(item, cut)
        return True

    def _take(self, item: _Item, cut: Tail) -> None:
        item.tail.ids += cut.ids
        item.tail.found = item.tail.found or cut.found
        item.tail.url = item.tail.url or cut.url
        item.tail.asin = item.tail.asin or cut.asin
        if item.tail.location is None:
            item.tail.location, item.tail.location_type = cut.location, cut.location_type

    def _key(self, item: _Item, key: str, value: str) -> None:
        item.in_note = False
        if key == "tags":
            item.tags += split_tags(value)
        elif key == "note":
            item.in_note = True
            cut = cut_tail(value)
            item.tail.ids += [found for found in cut.ids if found not in item.tail.ids]
            if cut.text:
                item.note.append(cut.text)
        elif key in PLACES and (told := read_place(key, value)):
            self._take(item, told)
        elif key == "id" and value.isdigit():
            item.tail.ids.append(f"readwise:{value}")
        elif key in ("link", "url"):
            self._hangs(item, value)


def _places(items: list[_Item]) -> set[str]:
    """The forms of places such as `(p. 12)` that are an exporter's here: it marks its highlights, or most, in one way. Where they bear
    other marks of it, that is a template of its own, which leaves out none."""
    tails = [(item, cut_tail(item.said())) for item in items if item.kind in ("bullet", "quote", "paragraph", "heading") and item.lines]
    counts = Counter(cut.form for _, cut in tails if cut.form)
    linked = sum(bool(cut.url or cut.ids or item.tail.found) for item, cut in tails) * 2 > len(tails)
    return {form for form, times in counts.items() if (times == len(tails) > 1 if linked else times * 2 > len(tails))}


def _spoken(text: str) -> str:
    """Snipd's words without its player and its markup."""
    lines = (line.strip() for line in _SHEET.sub("", re.sub(r"<br\s*/?>(?:> ?)?", "\n", text)).split("\n"))
    return "\n".join(line for line in lines if line)


def _is_prose(items: list[_Item]) -> bool:
    """Does nothing here bear an exporter's mark, and do paragraphs outnumber what stands in lists and quotes?"""
    texts = [item.kind for item in items if item.kind in ("bullet", "quote", "paragraph", "heading")]
    marked = any(item.tail.found or item.note or item.tags for item in items)
    return not marked and texts.count("paragraph") * 2 > len(texts)


def _joined(items: list[_Item]) -> list[_Item]:
    """Put together what blank lines or rules cut apart, in files where nearly every highlight ends with an exporter's link."""
    texts = [item for item in items if item.kind in ("bullet", "paragraph")]
    tailed = sum(item.tail.found for item in texts)
    if not tailed or tailed * 2 < len(texts):
        return [item for item in items if item.kind != "rule"]
    found: list[_Item] = []
    rules: list[_Item] = []
    for item in items:
        if item.kind == "rule":
            rules.append(item)
            continue
        last = found[-1] if found else None
        open_end = last is not None and last.kind in ("bullet", "paragraph") and not (last.tail.found or last.note or last.tags)
        if last and open_end and item.kind == "paragraph" and (last.kind == "bullet" or not rules):
            between = "\n---\n" if rules else "\n\n"
            item.tail.text = last.tail.text + between + item.tail.text
            item.kind, item.line = last.kind, last.line
            found[-1] = item
        else:
            found.append(item)
        rules = []
    return found


def _highlight(item: _Item) -> Highlight | None:
    tail, text = item.tail, item.tail.text
    if item.kind == "end":
        return Highlight(text="", heading_level=1)
    if item.kind == "mark":
        text = re.sub(r"\[\[(?:[^\]|]*\|)?([^\]]*)\]\]", r"\1", text)
    marked = read_marks("\n".join(item.note), item.tags)
    if not text.strip(_NO_WORDS) or _DATE_ONLY.fullmatch(text):
        return None
    level = item.level or marked.heading_level
    return Highlight(
        text=text, annotation=marked.annotation, tags=marked.tags, heading_level=level, is_favorite=marked.is_favorite,
        is_discard=marked.is_discard, location=tail.location, location_type=tail.location_type, url=tail.url,
        outside_ids=tuple(dict.fromkeys(tail.ids)),
    )  # fmt: skip


def _source(
    front: dict[str, list[str]], head: _Head, highlights: list[Highlight], asin: str, stem: str, folder: str, body: str
) -> Source:  # fmt: skip
    def said(*keys: str) -> str:
        return head.get(*keys) or next((", ".join(front[key]) for key in keys if front.get(key)), "")

    author = _names(said(*AUTHOR_KEYS) or _wikilinks(head.get("source")))
    given = [value for key, value in head.fields if key in _URL_KEYS]
    given += [value for key in _URL_KEYS for value in front.get(key, ())]
    url = next((found for value in given if (found := _url(value)) and not review_id(found)), "")
    inner = re.search(r"(?:private://|mailto:reader-)\S+", said(*_URL_KEYS))  # of an upload or a forwarded mail: nothing opens it
    known_as = url or (inner[0] if inner else "")
    tagged = " ".join([*front.get("tags", ()), *front.get("tag", ())]).split()
    kind = next(filter(None, map(_kind, [said("category", "type", "media", "kind"), *tagged])), "")
    kind = kind or KIND_OF.get(folder.casefold()) or ("article" if url else "")
    number = review_id(body) or next((front[key][0] for key in ("book id", "readwise id") if front.get(key)), "")
    reader = next((front[key][0] for key in ("reader document id", "reader id") if front.get(key)), "")
    asin = asin or said("asin")
    return Source(
        title=_title(front, head, stem), author=author, kind=kind, url=url, asin=asin, cover_url=head.cover or said("cover", "image"),
        summary=said("summary") or " ".join(head.summary), document_note=said("document note"),
        tags=read_marks("", split_tags(said("document tags"))).tags,
        readwise_url=f"https://readwise.io/bookreview/{number}" if number.isdigit() else "",
        outside_ids=source_ids(readwise=number if number.isdigit() else None, reader=reader, asin=asin, url=known_as),
        highlights=tuple(highlights),
    )  # fmt: skip


def _title(front: dict[str, list[str]], head: _Head, stem: str) -> str:
    full = head.get("full title") or " ".join(front.get("full title", [])) or head.get("title")
    if not full:
        plain = [(depth, words) for depth, words in head.titles if words.casefold() not in _NO_TITLES]
        top = next((words for depth, words in plain if depth == 1 or words.casefold().endswith("(highlights)")), "")
        above_cover = plain[-1][1] if plain and head.cover else ""
        full = top or above_cover or " ".join(front.get("title", [])) or (plain[0][1] if plain else stem)
    return " ".join(re.sub(r"\(highlights\)\s*$", "", full, flags=re.IGNORECASE).split()) or stem


def _kind(category: str) -> str:
    """What `#articles`, `[[Books]]`, `#type/highlight/article` or `#readwise-tweets` say."""
    first = re.split(r"[\s,]+", category.strip().lstrip("#").strip("[]").casefold())[0]
    return KIND_OF.get(re.split(r"[/_-]", first)[-1], "")


def _names(text: str) -> str:
    """Without the links and the emphasis that a template or a converter puts around names."""
    plain = re.sub(r"\[\[(?:[^\]|]*\|)?([^\]]*)\]\]", r"\1", text)
    plain = re.sub(r"\[([^\[\]]+)\]\([^()]*\)", r"\1", plain)
    plain = re.sub(r"(?<!\w)([*_]{1,2})(?=\S)([^*_]+)(?<=\S)\1(?!\w)", r"\2", plain)
    plain = plain.replace("[[", "").replace("]]", "")  # of a link that the next line ends
    return re.sub(r"\s+", " ", plain).strip(" ,;")


def _wikilinks(text: str) -> str:
    return ", ".join(re.findall(r"\[\[(?:[^\]|]*\|)?([^\]]*)\]\]", text))


def _url(text: str) -> str:
    found = re.search(r"\]\((https?://[^\s]+)\)", text) or re.search(r"(https?://[^\s>]+)", text)
    return found[1] if found else ""
