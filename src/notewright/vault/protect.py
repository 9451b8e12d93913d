"""Parts of a text that a model must not touch -> short placeholders, and back again.

    protection = Protection()
    shown = protection.hide(text)               # ![](https://…/peat-core.png) becomes ![]({image1}), $Q = A v$ becomes {math1}
    protection.restore(written).text            # {image1} is the address again, or the file's name inside [[ ]]

Of links and embeds only the target is hidden: how it is marked up is the person's style. The same part has the same placeholder in every
text that one protection hides, so highlights and the passage written from them agree. `restore(hide(text))` is the text, whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from .tokens import Token, tokenize
from .views import read_markdown_link, read_wikilink, text_of

PARTS = ("image", "link", "url", "math", "code", "id", "properties", "template", "quantity")
MEDIA = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|bmp|avif|pdf|mp3|m4a|wav|ogg|mp4|webm|mov|mkv)\Z", re.IGNORECASE)
_UNITS = (
    "[kcmµn]?m|km/h|m/s|[km]?g|[hkM]?Pa|[kMG]?Wh?|[kMG]?Hz|[kMGT]?B|ml|l|ha|°[CF]|per cent|percent|met(?:re|er)s?|kilomet(?:re|er)s?"
    "|centimet(?:re|er)s?|tonnes?|kilos?|years?|days?|hours?|minutes?|seconds?|euros?|dollars?|litres?|hectares?|degrees?"
)
_QUANTITY = re.compile(rf"(?<![\w.,{{])[-+−]?\d[\d.,]*(?:\s?[%‰°$€£]|[ \u00a0\u202f]?(?:{_UNITS}))(?!\w)")
_WHOLE = {
    "math": "math", "math_block": "math", "code": "code", "fence": "code", "indented_code": "code", "block_id": "id", "url": "url",
    "properties": "properties", "templater": "template", "template": "template",
}  # fmt: skip
_PLACEHOLDER = re.compile(rf"\{{({'|'.join(PARTS)}|text)(\d+)\}}")
_DAMAGED = re.compile(rf"(?:\{{\s*)?({'|'.join(PARTS)})\s?(\d+)\s*\}}|\{{\s*({'|'.join(PARTS)})\s?(\d+)(?!\d*\s*\}})")

Span = tuple[int, int, str, str]  # start, end (bytes), part, context


@dataclass(frozen=True, slots=True)
class Restored:
    """`problems` are placeholders that stand for nothing; `repairs` say what was mended, both in words."""

    text: str
    problems: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()


@dataclass(slots=True)
class Protection:
    """The parts hidden so far. `parts` limits what is hidden (of `PARTS`)."""

    parts: tuple[str, ...] = PARTS
    _forms: dict[str, dict[str, str]] = field(default_factory=dict)  # placeholder -> context -> what stands there
    _known: dict[tuple[str, str, str], str] = field(default_factory=dict)  # part, context, value -> placeholder
    _twins: dict[tuple[str, str], str] = field(default_factory=dict)  # part, name -> placeholder

    def hide(self, text: str, *, learn: bool = True) -> str:
        """`text` with placeholders. Without `learn` only parts that were hidden before are: the rest of a passage, which no prompt showed,
        stays as it is."""
        data = text.encode("utf-8", errors="surrogatepass")
        pieces, at = [], 0
        for start, end, part, context in sorted(set(_spans(data, self.parts))):
            if start < at:
                continue
            value = data[start:end].decode("utf-8", errors="surrogatepass")
            placeholder = self._placeholder(part, context, value, learn or part == "text")
            if placeholder:
                pieces += [data[at:start], placeholder.encode()]
                at = end
        return b"".join([*pieces, data[at:]]).decode("utf-8", errors="surrogatepass")

    def restore(self, text: str) -> Restored:
        """`text` with what its placeholders stand for. A damaged placeholder is mended where it can mean one part only."""
        repairs: list[str] = []
        problems: list[str] = []

        def mend(found: re.Match[str]) -> str:
            name = f"{{{found[1] or found[3]}{found[2] or found[4]}}}"
            if found[0] == name or name not in self._forms:
                return found[0]
            repairs.append(f"{found[0]} was read as {name}")
            return name

        def put(found: re.Match[str]) -> str:
            forms = self._forms.get(found[0])
            if forms is None:
                alike = [name for name in self._forms if name.startswith("{" + found[1]) and name not in text]
                if len(alike) != 1:
                    problems.append(f"the placeholder {found[0]} stands for nothing")
                    return found[0]
                repairs.append(f"{found[0]} was read as {alike[0]}, the only {found[1]} left")
                forms = self._forms[alike[0]]
            return _in_context(forms, text[: found.start()])

        return Restored(_PLACEHOLDER.sub(put, _DAMAGED.sub(mend, text)), tuple(problems), tuple(repairs))

    def table(self) -> dict[str, dict[str, str]]:
        """What the placeholders stand for, JSON-able; `Protection.of(table)` restores with it."""
        return {name: dict(forms) for name, forms in self._forms.items()}

    @classmethod
    def of(cls, table: Mapping[str, Mapping[str, str]]) -> Protection:
        return cls(_forms={name: dict(forms) for name, forms in table.items()})

    def _placeholder(self, part: str, context: str, value: str, learn: bool) -> str:
        known = self._known.get((part, context, value))
        if known:
            return known
        twin = self._twins.get((part, _name(part, value)))
        if twin and self._forms[twin].setdefault(context, value) == value:
            self._known[part, context, value] = twin
            return twin
        if not learn:
            return ""
        placeholder = f"{{{part}{sum(1 for name in self._forms if name.startswith('{' + part)) + 1}}}"
        self._forms[placeholder] = {context: value}
        self._known[part, context, value] = placeholder
        self._twins.setdefault((part, _name(part, value)), placeholder)
        return placeholder


def _spans(data: bytes, parts: tuple[str, ...]) -> Iterator[Span]:
    taken: list[tuple[int, int]] = []
    for token in tokenize(data):
        for start, end, part, context in _of_token(data, token):
            if part in parts and end > start and _is_text(data[start:end]):
                taken.append((start, end))
                yield start, end, part, context
    if b"{" not in data and b"}" not in data:
        return
    text = data.decode("utf-8", errors="surrogatepass")
    # Words of the text itself that would be read as a placeholder.
    for found in (*_PLACEHOLDER.finditer(text), *_DAMAGED.finditer(text)):
        start = len(text[: found.start()].encode("utf-8", errors="surrogatepass"))
        end = start + len(found[0].encode("utf-8", errors="surrogatepass"))
        if not any(start < stop and begin < end for begin, stop in taken):
            yield start, end, "text", ""


def _of_token(data: bytes, token: Token) -> Iterator[Span]:
    text = text_of(data, token)
    if token.kind in ("wikilink", "embed"):
        inner = re.match(r"!?\[\[\s*([^|\\]*?)\s*(?:\\?\||\]\])", text)
        if inner and read_wikilink(text).target:
            start, end = (token.start + len(text[:offset].encode()) for offset in inner.span(1))
            yield start, end, "image" if MEDIA.search(inner[1]) else "link", "wiki"
    elif token.kind in ("image", "link"):
        target = read_markdown_link(text).target
        at = text.rfind(target) if target else -1
        if at > 0:
            start = token.start + len(text[:at].encode())
            yield start, start + len(target.encode()), "image" if token.kind == "image" else "url", "round"
    elif token.kind == "autolink":
        yield token.start + 1, token.end - 1, "url", ""
    elif token.kind in _WHOLE:
        yield token.start, token.end, _WHOLE[token.kind], ""
    elif token.kind == "text":
        for found in _QUANTITY.finditer(text):
            start = token.start + len(text[: found.start()].encode())
            yield start, start + len(found[0].encode()), "quantity", ""


def _is_text(piece: bytes) -> bool:
    try:
        piece.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _name(part: str, value: str) -> str:
    """What makes two forms of a part the same one: the file's name for images, else the words as they are."""
    return unquote(value).replace("\\", "/").partition("?")[0].rpartition("/")[2].casefold() if part == "image" else value


def _in_context(forms: Mapping[str, str], before: str) -> str:
    """The form for the place: an address in round brackets, a file's name in double square ones."""
    context = "wiki" if before.endswith("[[") else "round" if re.search(r"\]\(<?\Z", before) else ""
    if context in forms:
        return forms[context]
    value = next(iter(forms.values()))
    if context == "wiki" and "round" in forms:
        return unquote(value).partition("?")[0].rpartition("/")[2]
    if context == "round" and "wiki" in forms:
        return quote(value)
    return value
