"""The lines of a draft as checks need them: what each is made of, without the marks around it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .tokens import Token
from .views import Callout, read_callout, read_markdown_link, text_of

_UNSEEN = ("fence", "indented_code", "comment", "html_comment", "properties")
_MARKS = ("quote", "callout", "block_id", "bom")
_TRAILING = ("tag", "block_id", "wikilink", "embed", "embed_tail")
# Names and addresses, whose numbers are none that the draft tells.
_NAMES = ("embed", "embed_tail", "image", "wikilink", "url", "autolink", "tag", "list_marker", "task", "code", "html", "footnote_reference",
          "footnote_definition", "link_definition")  # fmt: skip


@dataclass(slots=True)
class Row:
    """One line. `pieces` are (kind, text) of its tokens; comments and blocks of code are left out. `depth` counts its quotes."""

    pieces: list[tuple[str, str]] = field(default_factory=list)
    depth: int = 0
    callout: Callout | None = None

    @property
    def words(self) -> str:
        """Without quote marks, a callout's type and block ids; code is only named."""
        return "".join("`code`" if kind == "code" else text for kind, text in self.pieces if kind not in _MARKS)

    @property
    def verbatim(self) -> str:
        """The same with its code."""
        return "".join(text for kind, text in self.pieces if kind not in _MARKS)

    @property
    def told(self) -> str:
        """Without whatever names something: links, tags, addresses, list marks. Of a Markdown link its text is left."""
        return "".join(" " if kind in _NAMES else read_markdown_link(text).text if kind == "link" else text for kind, text in self.pieces
                       if kind not in _MARKS)  # fmt: skip

    @property
    def kinds(self) -> list[str]:
        """Of all but blanks and quote marks."""
        return [kind for kind, text in self.pieces if text.strip() and kind not in ("indent", "quote")]

    def before_trailing(self) -> tuple[str, bool]:
        """(The words up to the tags, links and block id that the line ends with, whether there are any)."""
        pieces = list(self.pieces)
        found = False
        while pieces and (pieces[-1][0] in _TRAILING or not pieces[-1][1].strip()):
            found = found or pieces[-1][0] in _TRAILING
            pieces.pop()
        return "".join(text for kind, text in pieces if kind not in _MARKS), found


def read_rows(data: bytes, tokens: Iterable[Token]) -> Sequence[Row]:
    """Every line of the draft, also those that are blank or only code."""
    rows = [Row()]
    for token in tokens:
        text = text_of(data, token).replace("\r\n", "\n").replace("\r", "\n")
        if token.kind == "newline":
            rows.append(Row())
            continue
        for number, line in enumerate(text.split("\n")):
            if number:
                rows.append(Row(depth=token.depth))
            if line and token.kind not in _UNSEEN:
                rows[-1].pieces.append((token.kind, line))
        if token.kind == "quote":
            rows[-1].depth = token.level
        elif token.depth and not rows[-1].depth:
            rows[-1].depth = token.depth  # it goes on with a quote's paragraph without `>`
        elif token.kind == "callout":
            rows[-1].callout = read_callout(text)
    return rows
