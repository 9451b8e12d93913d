"""A compositional space of note styles. A style is a record of choices; `write` turns a prompt into the note it implies, without chance.

Evaluation draws styles that training never sees: a fifth of the space, told apart by a hash of the choices.
"""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import astuple, dataclass, fields, replace

from ..prompts import location_label
from ..records import Highlight, Prompt, Source
from .corpora import split_sentences

HELD_OUT_SHARE = 5


@dataclass(frozen=True, slots=True)
class Style:
    """Choices by name; each takes the values listed in `SPACE`."""

    properties: str = ""
    heading: str = "## {chapter}"
    heading_tight: bool = False
    byline: str = ""
    callout: str = ""
    callout_of: str = "favourite"
    callout_repeats: bool = False
    select: str = "all"
    order: str = "kept"
    bullet: str = "- "
    loose: bool = False
    lead: str = ""
    lead_form: str = "**{}.** "
    trim: str = "whole"
    marks: str = "{}"
    place: str = ""
    tags: str = ""
    tags_on: str = "line"
    annotation: str = ""
    image: str = "![[{name}]]"
    caption: bool = False
    image_last: bool = False
    document_tags: str = ""
    closing: str = ""

    def key(self) -> str:
        return "\x1f".join(map(str, astuple(self)))

    def held_out(self) -> bool:
        return int(hashlib.sha256(self.key().encode()).hexdigest(), 16) % HELD_OUT_SHARE == 0


# Each choice with its values and their weights. "" stands for absence.
SPACE: dict[str, tuple[tuple[object, float], ...]] = {
    "properties": (
        ("", 0.9), ("title author", 0.02), ("title tags", 0.02), ("author kind", 0.02), ("tags", 0.02),
        ("title author kind tags", 0.02),
    ),
    "heading": (
        ("## {chapter}", 0.5), ("### {chapter}", 0.16), ("", 0.08), ("# {chapter}", 0.04), ("## {title}", 0.08), ("### {title}", 0.03),
        ("## {title}: {chapter}", 0.03), ("# {title}\n\n## {chapter}", 0.02), ("## {title} ({author})", 0.02), ("**{chapter}**", 0.02),
        ("## [[{title}]]", 0.02),
    ),
    "heading_tight": ((False, 0.6), (True, 0.4)),
    "byline": (
        ("", 0.9), ("by {author}", 0.02), ("*{author}*", 0.02), ("[[{author}]]", 0.01), ("Source: [[{title}]]", 0.03),
        ("*{title}*, {author}", 0.02),
    ),
    "callout": (("", 0.55), ("quote", 0.33), ("note", 0.03), ("tip", 0.03), ("important", 0.03), ("abstract", 0.03)),
    "callout_of": (("favourite", 0.85), ("first", 0.15)),
    "callout_repeats": ((False, 0.8), (True, 0.2)),
    "select": (
        ("all", 0.5), ("annotated", 0.3), ("favourite", 0.03), ("tagged", 0.04), ("annotated or favourite", 0.05), ("first 3", 0.04),
        ("first 2", 0.04),
    ),
    "order": (("kept", 0.95), ("reversed", 0.01), ("favourites first", 0.04)),
    "bullet": (("- ", 0.6), ("* ", 0.04), ("1. ", 0.1), ("> ", 0.1), ("", 0.12), ("- [ ] ", 0.02), ("+ ", 0.01), ("### ", 0.01)),
    "loose": ((False, 0.7), (True, 0.3)),
    "lead": (("", 0.42), ("annotation", 0.5), ("words", 0.03), ("tag", 0.05)),
    "lead_form": (
        ("**{}.** ", 0.33), ("**{}**: ", 0.17), ("**{}:** ", 0.13), ("**{}** ", 0.1), ("**{}** — ", 0.06), ("*{}* ", 0.06),
        ("*{}.* ", 0.05), ("{}: ", 0.04), ("{} — ", 0.02), ("=={}== ", 0.02), ("**{}**\n", 0.02),
    ),
    "trim": (("whole", 0.45), ("first sentence", 0.42), ("first clause", 0.05), ("last sentence", 0.03), ("eight words", 0.05)),
    "marks": (("{}", 0.9), ("“{}”", 0.03), ('"{}"', 0.03), ("*{}*", 0.02), ("=={}==", 0.02)),
    "place": (("", 0.3), (" ({})", 0.5), (" — {}", 0.07), (" [{}]", 0.05), (", {}", 0.02), (" *({})*", 0.03), (" ^{}", 0.03)),
    "tags": (("", 0.45), ("#{}", 0.27), ("[[Title]]", 0.2), ("[[{}]]", 0.05), ("`{}`", 0.03)),
    "tags_on": (("line", 0.9), ("below", 0.1)),
    "annotation": (("", 0.62), ("  - {}", 0.16), ("  *{}*", 0.08), (" → {}", 0.05), (" ({})", 0.05), ("  - Note: {}", 0.04)),
    "image": (
        ("![[{name}]]", 0.25), ("![[{name}|600]]", 0.15), ("![[{name}|center|600]]", 0.25), ("![[{name}|center|400]]", 0.08),
        ("![[{name}|300]]", 0.07), ("", 0.1), ("![]({url})", 0.1),
    ),
    "caption": ((True, 0.5), (False, 0.5)),
    "image_last": ((True, 0.4), (False, 0.6)),
    "document_tags": (("", 0.45), ("#{}", 0.3), ("Tags: #{}", 0.1), ("[[Title]]", 0.1), ("Topics: [[{}]]", 0.05)),
    "closing": (("", 0.94), ("---", 0.02), ("Back to [[{title}]]", 0.02), ("— {author}", 0.02)),
}  # fmt: skip

DEFAULTS = (
    Style(place=" ({})"),
    Style(place=" ({})", lead="annotation", lead_form="**{}.** ", document_tags="#{}"),
    Style(bullet="> ", loose=True, place=" — {}", annotation=""),
)
DEFAULT_WEIGHTS = (0.7, 0.2, 0.1)
# A tidy digest of what was annotated: favourite as a quote, then bold annotations; its neighbours get a share of the draws.
DIGEST = Style(
    heading="## {chapter}", heading_tight=True, callout="quote", select="annotated", lead="annotation", lead_form="**{}.** ",
    trim="first sentence", place=" ({})", tags="[[Title]]", image="![[{name}|center|600]]", caption=True, document_tags="#{}",
)  # fmt: skip


def _draw(rng: random.Random) -> Style:
    chosen = {name: rng.choices([v for v, _ in values], weights=[w for _, w in values])[0] for name, values in SPACE.items()}
    if rng.random() < 0.5:
        kept = {field.name: getattr(DIGEST, field.name) for field in fields(Style) if rng.random() < 0.8}
        chosen |= kept
    style = Style(**chosen)  # type: ignore[arg-type]
    if style.lead == "annotation" and style.annotation:
        style = replace(style, annotation="")
    if style.bullet in ("### ", "") and not style.loose:
        style = replace(style, loose=True)
    if style.bullet == "### " and style.heading.startswith(("###", "**")):
        style = replace(style, heading="## {chapter}")
    if style.lead_form.endswith("\n") and style.bullet not in ("", "> "):
        style = replace(style, lead_form="**{}.** ")
    return style


def draw_style(rng: random.Random, *, held_out: bool = False) -> Style:
    """A style of the training part of the space, or with `held_out` of the other."""
    while True:
        style = _draw(rng)
        if style.held_out() == held_out:
            return style


def title_case(tag: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in re.split(r"[-_/ ]+", tag))


def trimmed(text: str, how: str) -> str:
    """What of the highlight's text goes into the note."""
    flat = " ".join(text.split())
    if how == "first sentence":
        return split_sentences(flat)[0]
    if how == "last sentence":
        return split_sentences(flat)[-1]
    if how == "first clause":
        found = re.search(r"[,;:.?!—](?=[\s—”’\"]|$|\w*—)", flat[12:])
        return flat[: 12 + found.start()] if found else flat
    words = flat.split()
    if how == "eight words" and len(words) > 8:
        return " ".join(words[:8]) + "…"
    return flat


def _tags(tags: tuple[str, ...], form: str, joiner: str = " ") -> str:
    prefix, _, rest = form.rpartition(": ")
    shaped = [f"[[{title_case(tag)}]]" if rest == "[[Title]]" else rest.format(tag) for tag in tags]
    return (f"{prefix}: " if prefix else "") + joiner.join(shaped)


def _is_image(highlight: Highlight) -> bool:
    return highlight.text.startswith("![](")


def _selected(style: Style, highlights: list[Highlight], quoted: Highlight | None) -> list[Highlight]:
    texts = [h for h in highlights if not _is_image(h) and (style.callout_repeats or h is not quoted)]
    match style.select:
        case "annotated":
            texts = [h for h in texts if h.annotation]
        case "favourite":
            texts = [h for h in texts if h.is_favorite] or texts
        case "tagged":
            texts = [h for h in texts if h.tags] or texts
        case "annotated or favourite":
            texts = [h for h in texts if h.annotation or h.is_favorite] or texts
        case "first 3":
            texts = texts[:3]
        case "first 2":
            texts = texts[:2]
    chosen = {id(h) for h in texts} | {id(h) for h in highlights if _is_image(h) and style.image}
    kept = [h for h in highlights if id(h) in chosen]
    if style.order == "reversed":
        kept.reverse()
    elif style.order == "favourites first":
        kept.sort(key=lambda h: not h.is_favorite)
    if style.image_last:
        kept.sort(key=_is_image)
    return kept


def _lead(style: Style, highlight: Highlight, text: str) -> tuple[str, str]:
    """The lead-in and what is left to say after it."""
    if style.lead == "annotation" and highlight.annotation:
        words = highlight.annotation
    elif style.lead == "tag" and highlight.tags:
        words = title_case(highlight.tags[0])
    elif style.lead == "words":
        words = re.sub(r"[\s,.;:!?—*$`]+$", "", " ".join(text.split()[:4]))
    else:
        return "", text
    form = style.lead_form
    if ".*" in form and words.endswith((".", "!", "?", "…")):
        form = form.replace(".*", "*")
    elif ":" in form:
        words = words.rstrip(".:")
    return form.format(words), text


def _item(style: Style, highlight: Highlight, number: int) -> str:
    lead, text = _lead(style, highlight, trimmed(highlight.text, style.trim))
    line = lead + style.marks.format(text)
    label = location_label(highlight)
    if label and style.place:
        line += style.place.format(label if style.place != " ^{}" else label.replace(". ", "").replace(":", "-"))
    below = []
    if highlight.tags and style.tags:
        shaped = _tags(highlight.tags, style.tags)
        if style.tags_on == "line":
            line += " " + shaped
        else:
            below.append(("  " if style.bullet[:1] in "-*+1" and style.bullet else "") + shaped)
    if highlight.annotation and style.annotation:
        shaped = style.annotation.format(" ".join(highlight.annotation.split()))
        if shaped.startswith("  "):
            below.append(shaped if style.bullet[:1] in "-*+1" and style.bullet else shaped.strip())
        else:
            line += shaped
    bullet = f"{number}. " if style.bullet == "1. " else style.bullet
    if style.bullet == "> ":
        return "> " + "\n> ".join("\n".join([line, *below]).split("\n"))
    return "\n".join([bullet + line, *below])


def _picture(style: Style, highlight: Highlight) -> str:
    url = highlight.text[4:-1]
    shown = style.image.format(name=url.rsplit("/", 1)[-1], url=url)
    return f"{shown}\n*{highlight.annotation}*" if style.caption and highlight.annotation else shown


def _quote(style: Style, highlight: Highlight) -> str:
    label = location_label(highlight)
    body = "\n> ".join(" ".join(line.split()) for line in highlight.text.splitlines())
    return f"> [!{style.callout}]{' ' + label if label else ''}\n> {body}"


def _body(style: Style, highlights: list[Highlight]) -> list[str]:
    """Blocks of one chapter: callout, items (tight ones as one block), pictures."""
    blocks, quoted = [], None
    texts = [h for h in highlights if not _is_image(h)]
    if style.callout and texts:
        quoted = texts[0] if style.callout_of == "first" else next((h for h in texts if h.is_favorite), None)
        if quoted:
            blocks.append(_quote(style, quoted))
    run: list[str] = []
    number = 0
    for highlight in _selected(style, highlights, quoted):
        if _is_image(highlight):
            blocks += [*_joined(style, run), _picture(style, highlight)]
            run = []
        else:
            number += 1
            run.append(_item(style, highlight, number))
    return blocks + _joined(style, run)


def _joined(style: Style, run: list[str]) -> list[str]:
    return run if style.loose else ["\n".join(run)] if run else []


def _heading(form: str, source: Source, chapter: str) -> str:
    """The heading; a missing chapter gives way to the title, a missing author goes."""
    shown = chapter or source.title
    if not source.author:
        form = form.replace(" ({author})", "")
    if not chapter and "{title}" in form and "{chapter}" in form:
        form = "# {title}" if form.startswith("# ") else "## {title}"
    return form.format(chapter=shown, title=source.title, author=source.author)


def _properties(style: Style, source: Source) -> str:
    lines = []
    for name in style.properties.split():
        if name == "tags" and source.tags:
            lines.append("tags:\n" + "\n".join(f"  - {tag}" for tag in source.tags))
        elif name != "tags" and getattr(source, name):
            lines.append(f"{name}: {getattr(source, name)}")
    return "---\n" + "\n".join(lines) + "\n---" if lines else ""


def write(style: Style, prompt: Prompt) -> str:
    """The note that a person of this style makes of the prompt."""
    source = prompt.source
    blocks = [_properties(style, source)]
    headed: list[int] = []
    groups: list[tuple[str, list[Highlight]]] = []
    for highlight in prompt.highlights:
        if not groups or groups[-1][0] != highlight.chapter:
            groups.append((highlight.chapter, []))
        groups[-1][1].append(highlight)
    per_chapter = "{chapter}" in style.heading and "{title}" not in style.heading and len(groups) > 1
    if not per_chapter:
        if style.heading:
            headed.append(len(blocks))
            blocks.append(_heading(style.heading, source, groups[0][0] if len(groups) == 1 else ""))
        groups = [("", list(prompt.highlights))]
    if style.byline and (source.author or "{author}" not in style.byline):
        blocks.append(style.byline.format(title=source.title, author=source.author))
    for chapter, highlights in groups:
        if per_chapter:
            headed.append(len(blocks))
            blocks.append(_heading(style.heading, source, chapter))
        blocks += _body(style, highlights)
    if style.document_tags and source.tags:
        blocks.append(_tags(source.tags, style.document_tags))
    if style.closing and (source.author or "{author}" not in style.closing):
        blocks.append(style.closing.format(title=source.title, author=source.author))
    if style.heading_tight:
        for index in reversed(headed):
            blocks[index : index + 2] = ["\n".join(blocks[index : index + 2])]
    return "\n\n".join(block for block in blocks if block) or source.title
