"""Composed Markdown -> HTML with placeholders: markdown-it's CommonMark core with callouts, block placeholders and byte spans."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from html import escape, unescape
from typing import TYPE_CHECKING, Any

from .compose import BLOCK, PLACEHOLDER, Composed
from .parts import CALLOUT_KINDS, Part, callout_title
from .views import Callout

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_NOT_OURS = ["fence", "html_block", "reference"]
_NOT_OURS_INLINE = ["html_inline", "link", "image", "autolink", "backticks", "linkify"]


def parse(text: str, parts: Sequence[Part], *, strict_line_breaks: bool, spans: Composed | None, number: int) -> str:
    """HTML of a whole note. `number` keeps the footnotes of notes inside notes apart; `spans` gives the byte offsets of lines."""
    parser = _parser(strict_line_breaks)
    env: dict[str, Any] = {"docId": str(number)} if number else {}
    tokens = parser.parse(text, env)
    _open_callouts(tokens, parts)
    _free_blocks(tokens, parts)
    _mark_tasks(tokens, parts)
    if spans:
        _mark_spans(tokens, spans, parts)
    return str(parser.renderer.render(tokens, parser.options, env))


def parse_inline(text: str) -> str:
    """HTML of a piece without blocks."""
    return str(_parser(True).renderInline(text))


@lru_cache(maxsize=2)
def _parser(strict_line_breaks: bool) -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.footnote import footnote_plugin

    parser = MarkdownIt("js-default", {"html": False, "linkify": False, "typographer": False, "breaks": not strict_line_breaks})
    parser.use(footnote_plugin)
    parser.disable(_NOT_OURS + _NOT_OURS_INLINE)
    parser.block.ruler.before("table", "part", _block_part, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    for name in ("part", "callout_open", "callout_close", "callout_title_open", "callout_title_close"):
        parser.add_render_rule(name, globals()["_render_" + name])
    return parser


def _block_part(state: Any, line: int, end: int, silent: bool) -> bool:
    start = state.bMarks[line] + state.tShift[line]
    if start >= state.eMarks[line] or state.src[start] != BLOCK[0]:
        return False
    if not silent:
        token = state.push("part", "div", 0)
        token.content = state.src[start : state.eMarks[line]]
        token.map = [line, line + 1]
        state.line = line + 1
    return True


def _render_part(renderer: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    token = tokens[index]
    return f'<div class="part"{renderer.renderAttrs(token)}>{token.content}</div>\n' if token.attrs else f"{token.content}\n"


def _open_callouts(tokens: list[Any], parts: Sequence[Part]) -> None:
    """Quotes whose first paragraph begins with a callout's header become callouts."""
    open_quotes: list[Any] = []
    for index, token in enumerate(tokens):
        if token.type == "blockquote_open":
            callout = _callout_at(tokens, index, parts)
            open_quotes.append(callout)
            if callout:
                _title(tokens, index, callout)
                token.type, token.meta = "callout_open", {"callout": callout}
        elif token.type == "blockquote_close" and (callout := open_quotes.pop()):
            token.type, token.meta = "callout_close", {"callout": callout}


def _callout_at(tokens: list[Any], index: int, parts: Sequence[Part]) -> Callout | None:
    if index + 2 >= len(tokens) or tokens[index + 1].type != "paragraph_open":
        return None
    found = PLACEHOLDER.match(tokens[index + 2].content)
    return parts[int(found[1])].callout if found else None


def _title(tokens: list[Any], index: int, callout: Callout) -> None:
    opening, inline, closing = tokens[index + 1 : index + 4]
    for child in inline.children:
        if PLACEHOLDER.match(child.content):
            child.content = PLACEHOLDER.sub("", child.content, count=1).lstrip()
            break
    if not "".join(child.content for child in inline.children).strip():
        inline.children[0].content = callout_title(callout)
    opening.type, closing.type = "callout_title_open", "callout_title_close"
    opening.meta = closing.meta = {"callout": callout}
    opening.hidden = closing.hidden = False


def _render_callout_open(renderer: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    callout = tokens[index].meta["callout"]
    kind = CALLOUT_KINDS.get(callout.type, "note")
    facts = f' data-callout="{escape(callout.type)}" data-callout-kind="{kind}" data-callout-metadata="{escape(callout.metadata)}"'
    facts += f' data-callout-fold="{callout.fold}"{renderer.renderAttrs(tokens[index])}'
    if callout.fold:
        return f'<details class="callout is-collapsible"{facts}{" open" if callout.fold == "+" else ""}>\n'
    return f'<div class="callout"{facts}>\n'


def _render_callout_title_open(renderer: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    tag = "summary" if tokens[index].meta["callout"].fold else "div"
    return f'<{tag} class="callout-title"><span class="callout-icon"></span><span class="callout-title-inner">'


def _render_callout_title_close(renderer: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    tag = "summary" if tokens[index].meta["callout"].fold else "div"
    return f'</span></{tag}>\n<div class="callout-content">\n'


def _render_callout_close(renderer: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    return f"</div>\n</{'details' if tokens[index].meta['callout'].fold else 'div'}>\n"


def _free_blocks(tokens: list[Any], parts: Sequence[Part]) -> None:
    """A paragraph that holds an embedded note may not be a `p`: that cannot hold blocks."""
    for index, token in enumerate(tokens):
        if token.type == "inline" and index and tokens[index - 1].type == "paragraph_open":
            numbers = [int(found[1]) for found in PLACEHOLDER.finditer(token.content)]
            if any(parts[number].block for number in numbers):
                tokens[index - 1].tag = tokens[index + 1].tag = "div"


def _mark_tasks(tokens: list[Any], parts: Sequence[Part]) -> None:
    """List items that begin with a checkbox say so, with the character in it."""
    for index, token in enumerate(tokens):
        if token.type != "list_item_open" or index + 2 >= len(tokens) or tokens[index + 2].type != "inline":
            continue
        found = PLACEHOLDER.match(tokens[index + 2].content)
        html = parts[int(found[1])].html if found else ""
        if html.startswith('<input type="checkbox" class="task'):
            mark = unescape(html.partition('data-task="')[2].partition('"')[0])
            token.attrSet("class", "task-list-item" + ("" if mark == " " else " is-checked"))
            token.attrSet("data-task", mark)


def _mark_spans(tokens: list[Any], spans: Composed, parts: Sequence[Part]) -> None:
    for token in tokens:
        if token.type == "part" and (found := PLACEHOLDER.match(token.content)) and parts[int(found[1])].raw:
            continue
        if token.map and token.nesting >= 0 and token.type not in ("inline", "callout_title_open"):
            first, last = token.map[0], max(token.map[0], min(token.map[1], len(spans.ends)) - 1)
            while last > first and spans.ends[last] == spans.starts[last]:
                last -= 1  # markdown-it counts the blank lines after a list or quote to it
            token.attrSet("data-start", str(spans.starts[first]))
            token.attrSet("data-end", str(spans.ends[last]))
