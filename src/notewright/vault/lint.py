"""What is wrong with a drafted section, in words a person can act on. An empty answer means that it may go into a note as it is.

These are the checks that need the draft, its highlights and the vault only; `gates` adds those that know the person's own notes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain

from ..records import Finding, Highlight
from ..text import normalise
from .index import VaultIndex
from .outline import Outline, read_outline
from .rules import structure
from .tokens import tokenize

_RESIDUE = re.compile(
    r"<\||\|>|</?think>|</?s>|\[/?INST\]|<</?SYS>>|^\s*(?:###\s*)?(?:assistant|user|system|human|response|instruction)\s*:?\s*$"
    r"|^(?:sure|certainly|of course)[,!.].{0,60}(?:here|note)|^here(?:'s| is) (?:the|your|a) (?:note|section|draft)"
    r"|\bas an ai (?:language )?model\b",
    re.IGNORECASE | re.MULTILINE,
)
_INLINE_CODE = re.compile(r"(`+)(?!`)[^\n]*?(?<!`)\1(?!`)")
_EMBED = re.compile(r"!\[\[([^\[\]\n]*)\]\]|!\[[^\]\n]*\]\(<?([^)\n>]*)>?\)")
_TARGETS = re.compile(r"!?\[\[[^\[\]\n]*\]\]|\]\([^)\n]*\)|https?://\S+|\^[A-Za-z0-9-]+|(?<!\S)#[\w/-]+")
_ADDRESS = re.compile(r"https?://[^\s<>()\[\]\"'`|]+")
_NUMBER = re.compile(r"(?<![\w.,])\d+(?:[.,:]\d+)*(?:\s?%)?")
_LIST_MARK = re.compile(r"^\s*(?:>\s*)*(?:[-+*]|\d{1,9}[.)])(?:\s+\[.\])?\s+", re.MULTILINE)
_CALLOUT = re.compile(r"^((?:[ \t]*>)+)[ \t]*\[!([^\]\n]+)\][+-]?[ \t]*(.*)$")
_QUOTED = re.compile(r"“([^“”\n]{12,})”|(?<![\w\"])\"([^\"\n]{12,})\"(?!\w)")
_ELISION = re.compile(r"\s*(?:\[?(?:…|\.\.\.)\]?|\[[^\]]{0,40}\])\s*")
_DANGLING = re.compile(
    r"(?:an?|the|and|or|but|of|to|in|on|at|by|for|with|from|as|that|which|who|whose|is|are|was|were|be|than|into|if)\Z", re.IGNORECASE
)
_MEDIA = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|bmp|avif|pdf|mp3|m4a|wav|ogg|mp4|webm|mov|mkv)$", re.IGNORECASE)


Problem = tuple[str, str]  # the reason, and the words of the draft that it is about ("": the whole draft)


def check_draft(text: str, *, highlights: Sequence[Highlight], vault_index: VaultIndex | None = None, known: str = "") -> tuple[str, ...]:
    """Problems of `text` as a section drafted from `highlights`: the reasons of `find_problems`."""
    found = find_problems(text, highlights=highlights, vault_index=vault_index, known=known)
    return tuple(dict.fromkeys(finding.reason for finding in found))


def find_problems(
    text: str, *, highlights: Sequence[Highlight], vault_index: VaultIndex | None = None, known: str = ""
) -> tuple[Finding, ...]:
    """What is wrong with `text` as a section drafted from `highlights`, each finding with its gate and place; all of them block.

    `known` is further text whose numbers and quotations are fine (the source's title, author, summary). Without a `vault_index` an
    embedded file must come from the highlights.
    """
    if not text.strip():
        return (Finding("empty", "block", "the draft is empty"),)
    data = text.encode("utf-8", errors="replace")
    outline = read_outline(data)
    broken, links = _markup(data)
    prose = draft_prose(text, outline)
    given = Given(highlights, known)
    by_gate: dict[str, Iterator[Problem]] = {
        "structure": chain(broken, _structure(prose)),
        "residue": _residue(text),
        "links": iter(links),
        "invented asset": chain(_embeds(prose, given, vault_index), _addresses(prose, given)),
        "invented number": _numbers(prose, given),
        "invented quotation": _quotations(prose, given),
        "repeats": _repeats(prose),
        "breaks off": _ending(prose, outline),
    }
    found = (Finding(gate, "block", reason, *locate(text, words)) for gate, problems in by_gate.items() for reason, words in problems)
    return tuple(dict.fromkeys(found))


def locate(text: str, words: str) -> tuple[int, int]:
    """Character offsets of the words in the draft, whatever line breaks and quote marks lie between them; (0, 0) where they are not."""
    if not words.strip():
        return 0, 0
    pattern = r"(?:\s|>)+".join(re.escape(word) for word in words.split())
    found = re.search(rf"(?<![\w.,]){pattern}(?!\w)", text) or re.search(pattern, text, re.IGNORECASE)
    return found.span() if found else (0, 0)


class Given:
    """What a draft may draw on."""

    def __init__(self, highlights: Sequence[Highlight], known: str) -> None:
        texts = [known]
        numbers: list[str] = []
        for item in highlights:
            texts += [item.text, item.annotation, item.chapter, " ".join(item.tags)]
            if item.location is not None:
                minutes, seconds = divmod(item.location, 60)
                numbers += [str(item.location), f"{minutes}:{seconds:02d}", f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"]
            numbers += re.findall(r"\d+", item.highlighted_at[:10])
        self.raw = "\n".join(texts)
        self.addresses = {item.url for item in highlights if item.url}
        self.words = "\n".join(_flat(item) for item in texts)
        self.numbers = {_plain_number(item) for item in (*numbers, *_NUMBER.findall(self.raw), *re.findall(r"\d+", self.raw))}
        self.files = {name.rpartition("/")[2].casefold() for name in re.findall(r"[^\s()\[\]|<>\"]+\.\w{2,5}", self.raw)}

    def says(self, quotation: str) -> bool:
        parts = [_flat(part) for part in _ELISION.split(quotation)]
        return all(part in self.words for part in parts if part)


def draft_prose(text: str, outline: Outline) -> str:
    """Without fenced code and comments, inline code blanked; lines keep their places."""
    data = text.encode("utf-8", errors="replace")
    lines = [
        data[line.start : line.end].decode("utf-8", errors="replace") if line.kind not in ("code", "comment", "properties") else "\n"
        for line in outline.lines
    ]
    return _INLINE_CODE.sub("`code`", "".join(lines).replace("\r\n", "\n").replace("\r", "\n"))


def _markup(data: bytes) -> tuple[list[Problem], list[Problem]]:
    """What the rules for notes say of the draft's structure, and of its links."""
    found = structure(data, tokenize(data))
    by_gate: tuple[list[Problem], list[Problem]] = [], []
    for start, end, rule, _, message, _ in found:
        words = data[start:end].decode("utf-8", errors="replace")
        by_gate[rule == "broken-markup"].append((f"{message}: {_short(words)}", words))
    return by_gate


def _structure(prose: str) -> Iterator[Problem]:
    """What is fine in a note and not in a draft: a callout without a body, any lonely $."""
    without_escapes = prose.replace("\\$", "")
    for paragraph in re.split(r"\n\s*\n", re.sub(r"\$\$.*?\$\$", "", without_escapes, flags=re.DOTALL)):
        if _lonely_dollar(paragraph.replace("$$", "")):
            yield f"a math span opened by $ is never closed: {_short(paragraph)}", paragraph
    lines = prose.split("\n")
    for index, line in enumerate(lines):
        callout = _CALLOUT.match(line)
        if callout:
            body = [other for other in _quote_block(lines, index + 1) if not _CALLOUT.match(other)]
            if not callout[3].strip() and not any(re.sub(r"^[ \t>]+", "", other).strip() for other in body):
                yield f"the callout [!{callout[2]}] has no body", line


def _lonely_dollar(paragraph: str) -> bool:
    """An opening `$` (no space after it) with no closing `$` (no space before, no digit after), prices aside."""
    position = 0
    while (at := paragraph.find("$", position)) >= 0:
        if re.match(r"\$\d[\d.,]*(?![\d.,]*[^\s\d.,;:!?)\]][^$\n]*\$)", paragraph[at:]) or paragraph[at + 1 : at + 2].strip() == "":
            position = at + 1
            continue
        closing = re.compile(r"(?<=\S)\$(?!\d)").search(paragraph, at + 1)
        if not closing:
            return True
        position = closing.end()
    return False


def _quote_block(lines: list[str], start: int) -> Iterator[str]:
    for line in lines[start:]:
        if not line.lstrip().startswith(">"):
            return
        yield line


def _residue(text: str) -> Iterator[Problem]:
    found = _RESIDUE.search(text)
    if found:
        yield f"chat residue: {_short(found[0])}", found[0]


def _embeds(prose: str, given: Given, index: VaultIndex | None) -> Iterator[Problem]:
    for found in _EMBED.finditer(prose):
        target = (found[1] if found[1] is not None else found[2] or "").split("|")[0].partition("#")[0].strip()
        name = target.rpartition("/")[2].casefold()
        if re.match(r"https?://", target):
            if target not in given.raw and name not in given.files:
                yield f"the image {target} is in no highlight", found[0]
        elif target and (_MEDIA.search(target) or found[1] is None) and name not in given.files and not (index and index.has_file(target)):
            yield f"the embedded file {target} is neither in the highlights nor in the vault", found[0]
        elif target and not _MEDIA.search(target) and found[1] is not None and index and not index.has_note(target):
            yield f"the embedded note {target} is not in the vault", found[0]


def _addresses(prose: str, given: Given) -> Iterator[Problem]:
    for found in _ADDRESS.finditer(_EMBED.sub(" ", prose)):
        url = found[0].rstrip(".,;:!?*_")
        if url.rstrip("/") not in given.raw and url not in given.addresses:
            yield f"the address {url} is in no highlight", url


def _numbers(prose: str, given: Given) -> Iterator[Problem]:
    text = _TARGETS.sub(" ", _LIST_MARK.sub("", _EMBED.sub(" ", prose)))
    for found in dict.fromkeys(_NUMBER.findall(text)):
        plain = _plain_number(found)
        if plain not in given.numbers and (len(plain) > 1 or found.endswith("%")):
            yield f"the number {found} is in no highlight", found


def _plain_number(text: str) -> str:
    return re.sub(r"[,\s%]", "", text).rstrip(".:")


def _quotations(prose: str, given: Given) -> Iterator[Problem]:
    lines = prose.split("\n")
    index = 0
    while index < len(lines):
        block = list(_quote_block(lines, index))
        if not block:
            for quoted in _quoted_spans(lines[index]):
                if not given.says(quoted):
                    yield f"a quotation is in no highlight: {_short(quoted)}", quoted
            index += 1
            continue
        index += len(block)
        callout = _CALLOUT.match(block[0])
        body = [re.sub(r"^[ \t>]+", "", line) for line in (block[1:] if callout else block)]
        if callout and callout[2].split("|")[0].strip().lower() not in ("quote", "cite"):
            spans = [quoted for line in body for quoted in _quoted_spans(line)]
        else:
            kept = [line for line in body if not re.match(r"\s*(?:[-–—]{1,2}\s*\S|!?\[\[[^\]]*\]\]\s*$|\(?p\.)", line)]
            spans = [" ".join(paragraph.split()) for paragraph in "\n".join(kept).split("\n\n")]
        for span in spans:
            bare = re.sub(r"\s*\((?:p|pp|loc|location|page)\.?[^)]*\)\s*$|\s+\^[\w-]+$", "", span).strip().strip('“”"')
            if len(_flat(bare).split()) > 2 and not given.says(bare):
                yield f"a quotation is in no highlight: {_short(bare)}", bare


def _quoted_spans(line: str) -> Iterator[str]:
    for found in _QUOTED.finditer(line):
        quoted = found[1] or found[2]
        if len(quoted.split()) >= 4:
            yield quoted.rstrip(",")


def _repeats(prose: str) -> Iterator[Problem]:
    lines: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for line in prose.split("\n"):
        flat = _flat(line)
        if len(flat.split()) >= 4 and not line.lstrip().startswith(("|", "#", "```")):
            lines.setdefault(flat, line)
            counts[flat] += 1
    for flat, count in counts.items():
        if count > 1:
            yield f"said {count} times: {_short(flat)}", lines[flat]
    words = _flat(prose).split()
    for size in (1, 2, 3, 4, 6):
        run = 1
        for at in range(size, len(words) - size + 1, size):
            run = run + 1 if words[at : at + size] == words[at - size : at] else 1
            if run >= 4:
                yield f"the same words over and over: {' '.join(words[at : at + size])}", ""
                return


def _ending(prose: str, outline: Outline) -> Iterator[Problem]:
    kinds = [line.kind for line in outline.lines if line.kind != "blank"]
    if kinds and kinds[-1] in ("heading", "underline"):
        yield "it ends with a heading that has nothing under it", ""
        return
    lines = [line.strip() for line in prose.split("\n") if line.strip()]
    if not lines or kinds[-1:] == ["code"]:
        return
    last = lines[-1]
    if last.startswith(("#", "|", "![", "$$", "^")) or last.endswith(("]]", "$$", "`")):
        return
    bare = re.sub(r"[*_=~\s]+$", "", last)
    words = re.findall(r"\w+", bare)
    plain = [line for line in lines[:-1] if len(line.split()) > 3 and not line.startswith(("#", "|", "!["))]
    others_end = len(plain) >= 2 and all(_ends(line) for line in plain)
    open_end = bare.endswith((",", ";", "(", "-", "–", "—", "[")) or re.fullmatch(r"(?:[-+*]|\d+[.)]|>)", bare)
    if open_end or (not _ends(last) and ((words and _DANGLING.match(words[-1])) or (others_end and len(words) > 3))):
        yield f"it breaks off: …{bare[-40:]}", bare[-40:]


def _ends(line: str) -> bool:
    bare = re.sub(r"(?:\s+\^[\w-]+|\s+#[\w/-]+|\s*!?\[\[[^\]]*\]\])+$", "", line).rstrip("*_=~ ")
    return bare.endswith((".", "!", "?", "…", ":", ")", "]", "”", '"', "»", "$", "。", "！", "？")) or bare != line.rstrip("*_=~ ")


def _flat(text: str) -> str:
    return " ".join(re.findall(r"\w+", normalise(text)))


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:57] + "…"
