"""The sample person's style: how highlights become sections of a note."""

from __future__ import annotations

import re

from .exports import paragraphs
from .read import ABBREVIATION, SENTENCE_END, WORDS, Chapter, Highlight, Source


def first_sentence(text: str) -> str:
    text = paragraphs(text)[0]
    for match in SENTENCE_END.finditer(text):
        if not ABBREVIATION.search(text[: match.end()]):
            return text[: match.end()]
    return text


def title_case(tag: str) -> str:
    return " ".join(word[:1].upper() + word[1:] for word in tag.split("-"))


def cite(source: Source, item: Highlight) -> str:
    """How the person names a place; empty where a number would mean nothing, as in an article."""
    if source.location_type == "time_offset":
        hours, rest = divmod(item.location, 3600)
        minutes, seconds = divmod(rest, 60)
        return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    return {"page": f"p. {item.location}", "location": f"loc. {item.location}"}.get(source.location_type, "")


def lead_in(annotation: str) -> str:
    return annotation if annotation.endswith((".", "!", "?", "…")) else annotation + "."


def render_bullet(source: Source, item: Highlight) -> str:
    said = item.kept or first_sentence(item.text)
    said = said[:1].upper() + said[1:]
    if not re.search(r"[.!?…:;$][\"'”’»)\]]*(?: \W+)?$", said):
        said += "."
    parts = [f"- **{lead_in(item.annotation)}**", said]
    if place := cite(source, item):
        parts.append(f"({place})")
    parts += [f"[[{title_case(tag)}]]" for tag in item.tags]
    return " ".join(parts)


def render_section(source: Source, chapter: Chapter) -> str:
    """One finished passage: what the person made of one chapter's highlights."""
    if chapter.override:
        return chapter.override if chapter.override.startswith("## ") else f"## {chapter.title}\n{chapter.override}"
    favorite = next((item for item in chapter.highlights if item.favorite and not item.discard), None)
    blocks: list[str] = []
    head = f"## {chapter.title}"
    if favorite is not None:
        quoted = "\n>\n".join("> " + line for line in paragraphs(favorite.kept or favorite.text))
        callout = f"> [!quote] {cite(source, favorite)}".rstrip()
        head += f"\n{callout}\n{quoted}"
    blocks.append(head)
    bullets: list[str] = []
    for item in chapter.highlights:
        if item is favorite or item.discard or not item.annotation:
            continue
        if not item.image:
            bullets.append(render_bullet(source, item))
            continue
        if bullets:
            blocks.append("\n".join(bullets))
            bullets = []
        blocks.append(f"![[{item.image}|center|600]]\n*{item.annotation}*")
    if bullets:
        blocks.append("\n".join(bullets))
    if chapter.closing:
        blocks.append(f"My take: {chapter.closing}")
    if source.tags:
        blocks.append(" ".join(f"#{tag}" for tag in source.tags))
    body = "\n\n".join(blocks)
    return body if favorite is not None else body.replace(f"{head}\n\n", f"{head}\n", 1)


def render_note(source: Source) -> str:
    word = WORDS[source.category]
    lines = ["---", f"type: {word}", f'author: "[[{source.author}]]"', "tags:", f"  - reading/{word}"]
    lines += [f"  - {tag}" for tag in source.tags]
    lines += [f"rating: {source.rating}" if source.note == "finished" else "rating:", "---", f"# {source.title}", ""]
    lines.append(f"> [!info] {source.author}, {word}")
    if source.summary:
        lines.append(f"> {source.summary}")
    blocks = ["\n".join(lines)]
    if source.note == "finished":
        blocks += [render_section(source, chapter) for chapter in source.chapters]
    return "\n\n".join(blocks) + "\n"
