"""What is wrong with a drafted section, in words a person can act on. An empty answer means that it may go into a note as it is.

These are the checks that need the draft, its highlights and the vault only; `gates` adds those that know the person's own notes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain, takewhile

from ..records import Finding, Highlight
from .cuts import cut_quotations
from .given import BEHIND, LOCATOR, LONGEST_NAME, NUMBER, Given, extent, flat, given_by, plain_number
from .index import VaultIndex
from .locations import misplaced
from .loops import is_label, loops
from .marks import unclosed
from .pointers import Pointer, pointers
from .rows import Row, read_rows
from .rules import structure
from .strays import Allowed, strays
from .tags import new_tags
from .tokens import Token, tokenize
from .views import read_code, read_fence, text_of

_RESIDUE = re.compile(
    r"<\|\w+\|>|</?think>|<s>(?!.*</s>)|^(?:(?!<s>).)*?</s>|\[/?INST\]|<</?SYS>>"
    r"|^[^\S\n]*(?:assistant|user|system|human|response|instruction)\s*:?[^\S\n]*$"
    r"|^###\s*(?:assistant|user|system|human|response|instruction)\s*:[^\S\n]*$"
    r"|^(?:sure|certainly|of course)[,!.].{0,60}\b(?:here(?:'s| is| are)|(?:the|your|a) (?:note|section|draft))\b"
    r"|^here(?:'s| is) (?:the|your|a) (?:note|section|draft)\b(?! of\b)|\bas an ai (?:language )?model\b",
    re.IGNORECASE | re.MULTILINE,
)
_COMMAND = re.compile(r"<%(?:(?!<%|%>).)*+%>", re.DOTALL)
_RUN = ("dataviewjs", "datacorejs", "datacorejsx", "datacorets", "datacoretsx", "js-engine")
_QUOTED = re.compile(
    r"“([^“”\n]{12,})”|(?<![\w\"])\"([^\"\n]{12,})\"(?!\w)|„([^„“”\n]{12,})[“”]|«([^«»\n]*)»"
    r"|(?<!\w)»(?=\S)([^«»\n]*)(?<=\S)«(?!\w)|「([^「」\n]*)」|『([^『』\n]*)』"
)
_DANGLING = re.compile(
    r"(?:an?|the|and|or|but|of|to|in|on|at|by|for|with|from|as|that|which|who|whose|is|are|was|were|be|than|into|if)\Z", re.IGNORECASE
)
_ATTRIBUTION = re.compile(r"\s*(?:[-–—]{1,2}\s*\S|\(?p\.)")  # who said it, where it stands
_BESIDE = re.compile(r"\s(?:→|->|⇒|=>|—|–|\||//)\s|:\**\s")  # between a text and a remark on it
_TAGGED = re.compile(r"(?:\s*(?:\[\[[^\]\n]*\]\]|#[\w/-]+))+\s*\Z")
_LEAD_IN = re.compile(r"\A\s*(?:[-*+]\s+)?(\*\*|__)(?=\S).+?(?<=\S)\1(?:\s*[.:–—-])?(?=\s)")
_LABEL = re.compile(r"[.:!?…–—-][*_]*\s*\Z")
# Opens math and is not closed; a price does not, on whichever side of the number the sign stands.
_LONELY_DOLLAR = re.compile(r"(?<!\d)\$(?![\s\d.,;:!?)\]”’\"'»]|\Z)[\w{}]*")
_BRACKETS = re.compile(r"\S*(?:\[\[|\]\]|!\[|\]\()\S*")
_WHOLE_LINK = re.compile(r"!?\[\[[^\[\]\n]+\]\]|!?\[[^\[\]\n]*\]\([^()\n]*\)")
_NO_SENTENCE = ("heading", "tag", "table_pipe", "table_delimiter", "embed", "image", "math_block", "block_id", "fence", "indented_code")


Problem = tuple[str, str]  # the reason, and the words of the draft that it is about ("": the whole draft)


def find_problems(
    text: str,
    *,
    highlights: Sequence[Highlight],
    vault_index: VaultIndex | None = None,
    known: str = "",
    linked: AbstractSet[str] | None = None,
    tagged: Callable[[str], bool] | None = None,
) -> tuple[Finding, ...]:
    """What is wrong with `text` as a section drafted from `highlights`, each finding with its gate and place; `gates` says which of
    them only warn.

    `known` is further text whose numbers and quotations are fine (the source's title, author, summary). Without a `vault_index` an
    embedded file must come from the highlights; without `linked` (`strays`) nothing is said about wikilinks, without `tagged` (is a note of
    the person's tagged so?) nothing about tags.
    """
    if not text.strip():
        return (Finding("empty", "block", "the draft is empty"),)
    data = text.encode("utf-8", errors="replace")
    tokens = tokenize(data)
    rows = read_rows(data, tokens)
    broken, links = _markup(data, tokens, highlights)
    given = given_by(highlights, known)
    by_gate: dict[str, Iterator[Problem]] = {
        "structure": chain(broken, _structure(rows, given)),
        "unclosed mark": ((f"{mark} is never closed: {_short(words)}", words) for mark, words in unclosed(rows, highlights)),
        "residue": _residue(text, given),
        "runs code": ((f"a plugin of Obsidian would run this: {_short(words)}", words) for words in _running(text, data, tokens)),
        "links": iter(links),
        "invented asset": strays(data, tokens, Allowed(highlights, known, vault_index, linked)),
        "wrong reference": chain(
            _references(pointers(data, tokens, highlights).values()), _locations(text, highlights), _twice(data, tokens)
        ),
        "invented number": _numbers(rows, given),
        "invented quotation": _quotations(rows, given),
        "invented tag": new_tags(data, tokens, given, tagged) if tagged else iter(()),
        "loops": loops(rows, given),
        "repeats": _repeats(rows, given),
        "breaks off": _ending(rows, given),
        "cut quotation": cut_quotations(rows, highlights),
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


def _markup(data: bytes, tokens: Sequence[Token], highlights: Sequence[Highlight]) -> tuple[list[Problem], list[Problem]]:
    """What the rules for notes say of the draft's structure, and of its links. Brackets that a highlight has so, as in `a[b[0]]`, are none
    of the draft's making, and Obsidian shows them as they are."""
    found = structure(data, tokens)
    by_gate: tuple[list[Problem], list[Problem]] = [], []
    for start, end, rule, _, message, _ in found:
        words = data[start:end].decode("utf-8", errors="replace")
        if rule != "broken-markup" or not (own := _brackets(words)) or not own <= _broken(highlights):
            by_gate[rule == "broken-markup"].append((f"{message}: {_short(words)}", words))
    return by_gate


def _broken(highlights: Sequence[Highlight]) -> set[str]:
    """The brackets of links that begin or end nowhere, in lines of highlights and annotations, with what they hang together with."""
    found: set[str] = set()
    for text in {part for item in highlights for part in (item.text, item.annotation) if "[" in part or "]" in part}:
        data = text.encode("utf-8", errors="replace")
        for start, end, rule, *_ in structure(data, tokenize(data)):
            if rule == "broken-markup":
                found |= _brackets(data[start:end].decode("utf-8", errors="replace"))
    return found


def _brackets(line: str) -> set[str]:
    return {word.strip(".,;:!?\"'“”‘’*_=~") for word in _BRACKETS.findall(_WHOLE_LINK.sub(" ", line))}


def _structure(rows: Sequence[Row], given: Given) -> Iterator[Problem]:
    """What is fine in a note and not in a draft: a callout without a body, any lonely $ that is not before the same word in a highlight."""
    for number, row in enumerate(rows):
        opened = (word for kind, text in row.pieces if kind == "text" for word in _LONELY_DOLLAR.findall(text.replace("$$", "")))
        if any(len(word) == 1 or word not in given.raw for word in opened):
            yield f"a math span opened by $ is never closed: {_short(row.words)}", row.words
        if row.callout:
            body = [other for other in _quote(rows, number + 1) if not other.callout]
            if not row.words.strip() and not any(other.words.strip() for other in body):
                yield f"the callout [!{row.callout.type}] has no body", f"[!{row.callout.type}"


def _quote(rows: Sequence[Row], start: int) -> Iterator[Row]:
    return takewhile(lambda row: row.depth > 0, rows[start:])


def _residue(text: str, given: Given) -> Iterator[Problem]:
    found = next((found for found in _RESIDUE.finditer(text) if found[0].strip() not in given.raw), None)
    if found:
        yield f"chat residue: {_short(found[0])}", found[0]


def _running(text: str, data: bytes, tokens: Sequence[Token]) -> Iterator[str]:
    """What does something once it stands in a note that is open: code for Dataview and its kin, commands for Templater, wherever they stand
    (it runs those of new notes). That the highlights say it makes it no better: others wrote them."""
    yield from (found[0] for found in _COMMAND.finditer(text))
    for token in tokens:
        words = text_of(data, token)
        if (token.kind == "fence" and read_fence(words, token.depth).language in _RUN) or (
            token.kind == "code" and read_code(words, token.depth).lstrip().startswith("$=")
        ):
            yield words


def _references(named: Iterable[Pointer]) -> Iterator[Problem]:
    """What names another highlight than its line rests on, and ids of none. Unknown addresses are strays."""
    for item in named:
        if item.kind == "id" and not item.held:
            yield f"the block id {item.name} is no highlight's", item.name
        elif item.wrong:
            yield f"{item.name} names a highlight that its line does not rest on", item.name


def _locations(text: str, highlights: Sequence[Highlight]) -> Iterator[Problem]:
    yield from ((f"{name} is where another highlight stands: {_short(line)}", line) for name, line in misplaced(text, highlights))


def _twice(data: bytes, tokens: Sequence[Token]) -> Iterator[Problem]:
    """A link to a block id can lead to one block only."""
    ids = Counter(text_of(data, token).casefold() for token in tokens if token.kind == "block_id")
    yield from ((f"the block id {name} stands there more than once", name) for name, count in ids.items() if count > 1)


def _numbers(rows: Sequence[Row], given: Given) -> Iterator[Problem]:
    told, seen = given.undated("\n".join(row.told for row in rows)), set[str]()
    for match in NUMBER.finditer(told):
        found = match[0]
        if found in seen or (len(plain_number(found)) < 2 and not found.endswith("%")):
            continue
        if not given.counts(found, told[match.end() : match.end() + BEHIND]):
            seen.add(found)
            yield f"the number {found} is in no highlight", found


def _quotations(rows: Sequence[Row], given: Given) -> Iterator[Problem]:
    at = 0
    while at < len(rows):
        block = list(_quote(rows, at))
        if not block:
            for quoted in _quoted_spans(rows[at].verbatim):
                if not given.says(quoted):
                    yield f"a quotation is in no highlight: {_short(quoted)}", quoted
            at += 1
            continue
        at += len(block)
        callout = block[0].callout
        body = block[1:] if callout else block
        if callout and callout.type not in ("quote", "cite"):
            spans = [quoted for row in body for quoted in _quoted_spans(row.verbatim) if not given.says(quoted)]
        else:
            spans = [span for paragraph in _paragraphs(body) for span in _unsaid(paragraph, given)]
        for span in spans:
            yield f"a quotation is in no highlight: {_short(span)}", span


def _paragraphs(rows: Sequence[Row]) -> list[list[Row]]:
    found: list[list[Row]] = [[]]
    for row in rows:
        if not row.words.strip():
            found.append([])
        elif row.told.strip() and not (_ATTRIBUTION.match(row.words) and len(row.words.split()) <= LONGEST_NAME):
            found[-1].append(row)
    return found


def _unsaid(paragraph: Sequence[Row], given: Given) -> list[str]:
    """What no highlight says: nothing where one says all of it, else the lines without what surrounds a quotation."""

    def said(quoted: str) -> bool:
        return extent(flat(quoted)) <= 2 or given.says(quoted)

    def said_beside(quoted: str) -> bool:
        return all(said(LOCATOR.sub("", _TAGGED.sub("", part))) for part in _BESIDE.split(quoted))

    if said(LOCATOR.sub("", " ".join(row.verbatim.strip() for row in paragraph)).strip('“”"')):
        return []
    return [part for row in paragraph for part in _quotations_of(row) if not (said(part) or said_beside(part))]


def _quotations_of(row: Row) -> list[str]:
    """A line without where it stands, tags and links behind it, and the bold words that lead it in: a label if they end in a mark, else
    words of the quotation too."""
    line = LOCATOR.sub("", row.before_trailing()[0])
    lead = _LEAD_IN.match(line)
    rest = line[lead.end() :] if lead else line
    found = [lead[0].strip().strip("*_")] if lead and not _LABEL.search(lead[0]) else []
    return [*found, rest.strip().strip('“”"')]


def _quoted_spans(line: str) -> Iterator[str]:
    for found in _QUOTED.finditer(line):
        quoted = next(filter(None, found.groups()), "")
        if len(quoted) >= 12 and extent(quoted) >= 4:
            yield quoted.strip().rstrip(",")


def _repeats(rows: Sequence[Row], given: Given) -> Iterator[Problem]:
    """Lines said more often than they are given, and highlights or their sentences quoted so within other lines. Quoting one and saying it
    once more below the quotation is a way to write."""
    lines: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for row in rows:
        said = flat(row.verbatim)
        if extent(said) >= 4 and row.kinds[:1] not in (["table_pipe"], ["heading"], ["tag"]) and not is_label(row, given):
            lines.setdefault(said, row.words)
            counts[said] += 1
    twice = {said for said, count in counts.items() if count > 1 and count > given.times(said)}
    yield from ((f"said {counts[said]} times: {_short(said)}", lines[said]) for said in counts if said in twice)
    wholes = [f" {flat(' '.join(row.verbatim for row in rows if bool(row.depth) == quoted))} " for quoted in (False, True)]
    for said in given.quotable:
        count = max(whole.count(f" {said} ") for whole in wholes)
        if count > 1 and count > given.times(said) and not any(said in line for line in twice):
            twice.add(said)
            yield f"quoted {count} times: {_short(said)}", said


def _ending(rows: Sequence[Row], given: Given) -> Iterator[Problem]:
    told = [row for row in rows if row.words.strip() or row.kinds]
    if not told:
        return
    last, kinds = told[-1], told[-1].kinds
    if "heading" in kinds or "heading_underline" in kinds:
        yield "it ends with a heading that has nothing under it", ""
        return
    if kinds[:1] and kinds[0] in _NO_SENTENCE or kinds[-1:] and kinds[-1] in (*_NO_SENTENCE, "wikilink", "code"):
        return
    if re.fullmatch(r"\s*([-*_])(\s*\1){2,}\s*", last.words):
        return  # a line across the page
    line = LOCATOR.sub("", last.before_trailing()[0])
    if given.ends(line) or given.ends(_BESIDE.split(line)[-1]):
        return  # so does the highlight, or what the person wrote beside it
    bare = re.sub(r"[*_=~\s]+$", "", last.words).strip()
    words = re.findall(r"\w+", bare)
    plain = [row for row in told[:-1] if len(row.words.split()) > 3 and not (row.kinds and row.kinds[0] in _NO_SENTENCE)]
    at = next(place for place, row in enumerate(rows) if row is last)
    if kinds[:1] != ["list_marker"] and at and not rows[at - 1].kinds:  # alone below a list, as a signature: it need not end as items do
        plain = [row for row in plain if row.kinds[:1] != ["list_marker"]]
    alike = len(plain) >= 2 and bare.endswith(";") and all(row.words.rstrip("*_=~ ").endswith(";") for row in plain)
    others_end = len(plain) >= 2 and all(_ends(row) for row in plain)
    open_end = (
        not alike
        and bare.endswith((",", ";", "(", "-", "–", "—", "["))
        or re.fullmatch(r"[-+*]|\d+[.)]", bare)
        or (last.depth and not bare)
    )
    if open_end or (not _ends(last) and ((words and _DANGLING.match(words[-1])) or (others_end and len(words) > 3))):
        yield f"it breaks off: …{bare[-40:]}", bare[-40:]


def _ends(row: Row) -> bool:
    text, trailing = row.before_trailing()
    bare = text.rstrip("*_=~ ")
    return trailing or bare.endswith((".", "!", "?", "…", ":", ")", "]", "”", '"', "»", "$", "。", "！", "？"))


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else flat[:57] + "…"
