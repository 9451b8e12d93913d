"""The HTML of single tokens, as Obsidian's reading view has it. Not safe by itself: `render` sanitises the whole."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from .views import Callout, Fence, ImageView, read_callout, read_fence, unquoted

PICTURES = (".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp")
_LONG_CODE = 50_000  # characters; longer code is shown plain, since lexers may be slow on it
_QUERIES = ("dataview", "dataviewjs", "tasks", "query", "base")
_KINDS = {
    "abstract": ("summary", "tldr"), "tip": ("hint", "important"), "success": ("check", "done"), "question": ("help", "faq"),
    "warning": ("caution", "attention"), "failure": ("fail", "missing"), "danger": ("error",), "quote": ("cite",),
    "note": (), "info": (), "todo": (), "bug": (), "example": (),
}  # fmt: skip
CALLOUT_KINDS = {name: kind for kind, others in _KINDS.items() for name in (kind, *others)}


@dataclass(frozen=True, slots=True)
class Part:
    """What stands behind a placeholder. `block`: it may not stand inside a paragraph; `raw`: it is the note's own HTML, which may open
    what a later piece closes; `callout` marks a callout's header."""

    html: str
    block: bool = False
    raw: bool = False
    callout: Callout | None = None


def callout_part(text: str) -> Part:
    return Part("", callout=read_callout(text))


def callout_title(callout: Callout) -> str:
    """The title of a callout that has none of its own."""
    return callout.type.replace("-", " ").strip().capitalize() or "Note"


def fence_part(text: str, depth: int) -> Part:
    fence = read_fence(text, depth)
    if fence.language == "mermaid":
        return Part(f'<pre class="mermaid">{escape(fence.code)}</pre>', block=True)
    if fence.language in _QUERIES:
        shown = f'<pre class="query-block" data-language="{fence.language}"><code>{escape(fence.code)}</code></pre>'
        return Part(shown, block=True)
    return Part(code_block(fence), block=True)


def code_block(fence: Fence) -> str:
    language = re.sub(r"[^\w+#.-]", "", fence.language)
    name = f' class="language-{escape(language)}"' if language else ""
    return f"<pre{name}><code{name}>{_highlighted(fence.code, language)}</code></pre>"


def _highlighted(code: str, language: str) -> str:
    if not language or len(code) > _LONG_CODE:
        return escape(code)
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return escape(code)
    return str(highlight(code, lexer, HtmlFormatter(nowrap=True, classprefix="tok-"))).removesuffix("\n")


def indented_part(text: str, depth: int) -> Part:
    """Code by indentation: four columns of it go, further ones stay."""
    lines = unquoted(text, depth).expandtabs(4).split("\n")
    width = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
    return Part(f"<pre><code>{escape(chr(10).join(line[width:] for line in lines))}</code></pre>", block=True)


def math_part(tex: str, *, display: bool, block: bool) -> Part:
    """TeX as text, for KaTeX or MathJax to typeset."""
    if block:
        return Part(f'<div class="math math-block">{escape(tex)}</div>', block=True)
    return Part(f'<span class="math {"math-block" if display else "math-inline"}">{escape(tex)}</span>')


def task_part(text: str) -> Part:
    mark = text[1:-1]
    return Part(f'<input type="checkbox" class="task-list-item-checkbox" data-task="{escape(mark)}"{"" if mark == " " else " checked"}>')


def tag_part(text: str) -> Part:
    return Part(f'<a class="tag" data-tag="{escape(text[1:])}">{escape(text)}</a>')


def field_part(key: str, value: str) -> Part:
    """A Dataview field; `value` is HTML, empty where the value follows."""
    shown = f'<span class="inline-field-value">{value}</span>' if value else ""
    return Part(f'<span class="inline-field" data-key="{escape(key)}"><span class="inline-field-key">{escape(key)}</span>{shown}</span>')


def picture(view: ImageView, url: str) -> str:
    size = (f' width="{view.width}"' if view.width else "") + (f' height="{view.height}"' if view.height else "")
    align = f" align-{view.align}" if view.align else ""
    flags = "".join(f" flag-{re.sub(r'[^a-z0-9-]', '-', flag.lower())}" for flag in view.flags)
    image = f'<img src="{escape(url)}" alt="{escape(view.caption or view.target)}"{size} loading="lazy">'
    return f'<span class="internal-embed image-embed is-loaded{align}{flags}" data-src="{escape(view.target)}">{image}</span>'


def missing(target: str, *, is_note: bool) -> str:
    if is_note:
        return f'<span class="internal-embed mod-empty" data-src="{escape(target)}">“{escape(target)}” is not created yet.</span>'
    return (
        f'<span class="internal-embed file-embed mod-empty-attachment" data-src="{escape(target)}">'
        f"“{escape(target)}” could not be found.</span>"
    )


def file_embed(target: str, path: str) -> str:
    """A PDF, recording, canvas or base: named, not shown."""
    return f'<span class="internal-embed file-embed" data-src="{escape(target)}" data-path="{escape(path)}">{escape(target)}</span>'


def external_link(url: str, shown: str) -> str:
    """`shown` is HTML."""
    return f'<a class="external-link" href="{escape(url)}" target="_blank">{shown}</a>'


def remote_picture(url: str, caption: str) -> str:
    """A link in place of a picture that would have to be asked for over the network."""
    shown = escape(caption or url)
    return f'<a class="external-link remote-image" href="{escape(url)}" target="_blank">{shown}</a>'


def properties_table(values: dict[str, object], text: Callable[[str], str]) -> str:
    """The note's properties as Obsidian lists them above the text; `text` makes HTML of a text value (it may be a link)."""
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{_property(value, text)}</td></tr>" for name, value in values.items())
    return f'<table class="metadata-container"><tbody>{rows}</tbody></table>' if rows else ""


def _property(value: object, text: Callable[[str], str]) -> str:
    if isinstance(value, bool):
        return f'<input type="checkbox"{" checked" if value else ""}>'
    if isinstance(value, list):
        return "".join(f'<span class="multi-select-pill">{text(str(item))}</span>' for item in value)
    return "" if value is None else text(str(value))
