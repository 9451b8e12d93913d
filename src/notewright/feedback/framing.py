"""A template frames a draft: the model writes the section, the template places properties, headings and assets around it.

Two languages at once, as they come in one file: Obsidian's own `{{title}}`, `{{date}}`, `{{date:FORMAT}}`, `{{time}}`, and Jinja2 in a
sandbox with `source`, `chapter`, `highlights`, `tags`, `title` and `draft`. A template can compute, and call nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

from .. import vault
from ..errors import Invalid
from ..records import Draft
from .moment import format_moment

if TYPE_CHECKING:
    from ..library import Library

LARGEST = 1_000_000  # characters of a framed note
DEEPEST = 2  # loops inside loops
_DRAFT = "\ue000draft\ue001"
_CORE = re.compile(r"\{\{\s*(title|date|time)\s*(?::([^{}\n]*))?\}\}", re.IGNORECASE)
_TEMPLATER = re.compile(r"<%[-_*+]?\s*(.*?)\s*[-_]?%>", re.DOTALL)
_TEMPLATER_DATE = re.compile(r"tp\.(?:date\.now|file\.creation_date)\(\s*(?:[\"']([^\"']*)[\"'])?\s*\)")
_HUGO = re.compile(r"\{\{(?:<.*?>|%.*?%)\}\}", re.DOTALL)
_FILTERS = (
    "capitalize", "default", "first", "join", "last", "length", "lower", "list", "map", "reject", "rejectattr", "replace", "round",
    "select", "selectattr", "sort", "title", "tojson", "trim", "unique", "upper", "wordcount",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Framed:
    """A whole new note; the draft is at characters `start` to `end` of `text`."""

    text: str
    start: int
    end: int

    @property
    def bytes(self) -> tuple[int, int]:
        """Where the draft is in the note's bytes."""
        return len(self.text[: self.start].encode()), len(self.text[: self.end].encode())


def context_of(library: Library, draft: Draft) -> dict[str, Any]:
    """What a template can name: plain texts, numbers and lists of the draft's source and highlights."""
    source = library.sources.get(draft.source_id)
    known = {highlight.id: highlight for highlight in library.sources.highlights(draft.source_id)}
    highlights = [known[number] for number in draft.highlight_ids if number in known]
    return {
        "source": {
            "title": source.title, "author": source.author, "kind": source.kind, "url": source.url, "readwise_url": source.readwise_url,
            "cover_url": source.cover_url, "summary": source.summary, "asin": source.asin, "tags": list(source.tags),
        },
        "chapter": draft.chapter,
        "highlights": [
            {
                "text": item.text, "annotation": item.annotation, "tags": list(item.tags), "location": item.location, "url": item.url,
                "chapter": item.chapter, "color": item.color, "highlighted_at": item.highlighted_at,
            }
            for item in highlights
        ],
        "tags": list(dict.fromkeys([*source.tags, *(tag for item in highlights for tag in item.tags)])),
    }  # fmt: skip


def frame(template: str, text: str, *, title: str, context: Mapping[str, Any], when: datetime, under: str | None = None) -> Framed:
    """`text` in its `template`: at `{{draft}}`, else under the heading `under`, else at the end.

    `title` is the new note's name, `when` the present in local time. Raises Invalid for a template that cannot be understood, that gives
    invalid properties, that puts the draft into a line with other text, or that would grow too large; NotFound for an unknown heading.
    """
    text = vault.tidy(text)
    whole = vault.tidy(_rendered(template, {**context, "title": title, "draft": _DRAFT}, when))
    if len(whole) > LARGEST or whole.count(_DRAFT) > 1:
        what = "holds the draft more than once" if whole.count(_DRAFT) > 1 else f"gives a note of more than {LARGEST:,} characters"
        raise Invalid(f"The template {what}.", "Look at it with: notewright templates show NAME")
    if whole.count(_DRAFT):
        start = whole.index(_DRAFT)
        if not re.search(rf"^{_DRAFT}[ \t]*$", whole, re.MULTILINE):
            hint = "Give {{draft}} a line of its own, without > or - or spaces before it. See: notewright templates show NAME"
            raise Invalid("The template has other text in the line of {{draft}}, so that later edits could not be told from it.", hint)
        framed = Framed(whole.replace(_DRAFT, text), start, start + len(text))
    else:
        at, inserted = vault.place((whole + "\n").encode(), text, under=under, note_path=title)
        data = (whole + "\n").encode()
        start = len((data[:at] + inserted[: len(inserted) - len(inserted.lstrip(b"\n"))]).decode())
        end = len((data[:at] + inserted.rstrip(b"\n")).decode())
        framed = Framed((data[:at] + inserted + data[at:]).decode().rstrip("\n"), start, end)
    findings = vault.parse_note("template.md", framed.text.encode()).findings
    if findings:
        raise Invalid(f"With this template, {findings[0]}.", "Write {{ source.title | yaml }} to quote a value for the properties.")
    return framed


def _rendered(template: str, names: Mapping[str, Any], when: datetime) -> str:
    from jinja2 import StrictUndefined, TemplateError
    from jinja2.nodes import Assign, AssignBlock, Filter
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Closed(ImmutableSandboxedEnvironment):
        """No function or method can be called, and no text multiplied: what is left ends soon and stays small."""

        intercepted_binops = frozenset(("*", "**", "%"))

        def is_safe_callable(self, obj: Any) -> bool:
            return False

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            if not all(isinstance(side, int | float) and abs(side) < 1e6 for side in (left, right)):
                raise TemplateError(f"{operator} takes small numbers only")
            return super().call_binop(context, operator, left, right)

    environment = Closed(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    environment.filters = {name: environment.filters[name] for name in _FILTERS}
    environment.filters |= {
        "yaml": _yaml, "measured": _measured, "replace": _replaced, "join": _joined(environment.filters["join"])
    }  # fmt: skip
    environment.globals = {}
    kept: list[str] = []

    def keep(literal: str) -> str:
        kept.append(literal)
        return f"\ue002{len(kept) - 1}\ue003"

    plain = _HUGO.sub(lambda found: keep(found[0]), template)
    plain = _TEMPLATER.sub(lambda found: keep(_templater(found, names, when)), plain)
    plain = _CORE.sub(lambda found: keep(_core(found, names, when)), plain)
    try:
        parsed = environment.parse(plain)
        if _depth(parsed) > DEEPEST:
            raise TemplateError(f"loops can be nested {DEEPEST} deep")
        for step in parsed.find_all(Assign):  # what is named may be doubled again and again
            step.node = Filter(step.node, "measured", [], [], None, None, lineno=step.lineno)
        for block in parsed.find_all(AssignBlock):
            block.filter = Filter(block.filter, "measured", [], [], None, None, lineno=block.lineno)
        text = "".join(_limited(environment.from_string(parsed).generate(names)))
    except (SyntaxError, TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError) as error:
        number = getattr(error, "lineno", None)
        line = f" (line {number})" if number else ""
        hint = "Templates know source, chapter, highlights, tags, title, draft and {{date:FORMAT}}."
        raise Invalid(f"The template cannot be filled in: {error}{line}.", hint) from error
    return re.sub("\ue002(\\d+)\ue003", lambda found: kept[int(found[1])], text)


def _depth(node: Any) -> int:
    """How deep loops are nested in a parsed template: with few, even loops that write nothing end soon."""
    from jinja2.nodes import For

    return isinstance(node, For) + max((_depth(child) for child in node.iter_child_nodes()), default=0)


def _measured(value: Any) -> Any:
    """A value that gets a name: of a size that a note may have."""
    waiting, size = [value], 0
    while waiting and size <= LARGEST:
        item = waiting.pop()
        size += len(item) if isinstance(item, str) else 1
        waiting += item if isinstance(item, list | tuple) else item.values() if isinstance(item, dict) else ()
    if size > LARGEST:
        raise ValueError(f"a value in it has more than {LARGEST:,} characters")
    return value


def _replaced(value: Any, old: Any, new: Any, count: int | None = None) -> str:
    """Jinja's own, of a size that a note may have: one after the other they could multiply a text without end."""
    text, old, new = str(value), str(old), str(new)
    times = text.count(old) if count is None or count < 0 else min(count, text.count(old))
    if len(text) + times * (len(new) - len(old)) > LARGEST:
        raise ValueError(f"replace gives more than {LARGEST:,} characters")
    return text.replace(old, new, times)


def _joined(join: Callable[..., str]) -> Callable[..., str]:
    @wraps(join)  # jinja marks what wants its context
    def within(how: Any, values: Any, between: Any = "", attribute: Any = None) -> str:
        values = list(values)
        if len(values) * len(str(between)) > LARGEST:
            raise ValueError(f"join gives more than {LARGEST:,} characters")
        return join(how, values, between, attribute)

    return within


def _limited(parts: Iterator[str]) -> Iterator[str]:
    size = 0
    for number, part in enumerate(parts):
        size += len(part)
        if size > LARGEST or number > LARGEST:
            raise ValueError(f"it gives more than {LARGEST:,} characters")
        yield part


def _core(found: re.Match[str], names: Mapping[str, Any], when: datetime) -> str:
    what, pattern = found[1].lower(), (found[2] or "").strip()
    if what == "title":
        return str(names["title"])
    return format_moment(when, pattern or ("YYYY-MM-DD" if what == "date" else "HH:mm"))


def _templater(found: re.Match[str], names: Mapping[str, Any], when: datetime) -> str:
    """The two Templater commands that need no Obsidian; anything else is refused rather than left in a note."""
    if found[1] == "tp.file.title":
        return str(names["title"])
    if date := _TEMPLATER_DATE.fullmatch(found[1]):
        return format_moment(when, date[1] or "YYYY-MM-DD")
    raise Invalid(f"The template has the Templater command {found[0][:60]!r}, which only Obsidian can run.", "Choose another template.")


def _yaml(value: object) -> str:
    """As one YAML value: texts in quotes, lists in brackets."""
    return json.dumps(value if isinstance(value, list | int | float | bool) or value is None else str(value), ensure_ascii=False)
