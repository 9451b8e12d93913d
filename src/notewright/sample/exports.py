"""The sample as Readwise would export it: CSV, API JSON, the official Markdown."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import zlib
from typing import Any

from .read import CSV_HEADER, Highlight, Source


def stamp(time: dt.datetime, micro: int = 0) -> str:
    return time.replace(microsecond=micro).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def tag_objects(names: list[str]) -> list[dict[str, Any]]:
    return [{"id": 100_000 + zlib.crc32(name.encode()) % 9_000_000, "name": name} for name in names]


def api_highlight(source: Source, item: Highlight) -> dict[str, Any]:
    reader = source.source != "kindle"
    return {
        "id": item.id,
        "is_deleted": False,
        "text": item.text,
        "location": item.location,
        "location_type": source.location_type,
        "note": item.note,
        "color": "yellow" if source.source == "kindle" else "",
        "highlighted_at": stamp(item.time),
        "created_at": stamp(item.time + dt.timedelta(minutes=12), 100_000 + item.id % 899_999),
        "updated_at": stamp(item.time + dt.timedelta(minutes=12), 100_000 + item.id % 899_999),
        "external_id": item.ulid if reader else None,
        "end_location": None,
        "url": f"https://read.readwise.io/read/{item.ulid}" if reader else None,
        "book_id": source.id,
        "tags": tag_objects(["h1"] if item.heading else item.tags),
        "is_favorite": item.favorite,
        "is_discard": item.discard,
        "readwise_url": f"https://readwise.io/open/{item.id}",
    }


def api_book(source: Source) -> dict[str, Any]:
    reader = source.source == "reader"
    return {
        "user_book_id": source.id,
        "is_deleted": False,
        "title": source.title,
        "author": source.author,
        "readable_title": source.title,
        "source": source.source,
        "cover_image_url": cover(source),
        "unique_url": f"https://read.readwise.io/read/{source.ulid}" if reader else None,
        "summary": source.summary or None,
        "book_tags": tag_objects(source.tags),
        "category": source.category,
        "document_note": None,
        "readwise_url": f"https://readwise.io/bookreview/{source.id}",
        "source_url": source.url or None,
        "external_id": source.ulid if reader else None,
        "asin": source.asin or None,
        "highlights": [api_highlight(source, item) for item in source.all_highlights],
    }


def cover(source: Source) -> str:
    return f"https://images.example.org/covers/{source.slug}.jpg"


def render_api(sources: list[Source]) -> str:
    answer = {"count": len(sources), "nextPageCursor": None, "results": [api_book(source) for source in sources]}
    return json.dumps(answer, ensure_ascii=False, indent=1) + "\n"


def render_csv(sources: list[Source]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(CSV_HEADER)
    for source in sources:
        for item in source.all_highlights:
            writer.writerow(
                [
                    item.text,
                    source.title,
                    source.author,
                    source.asin,
                    item.note,
                    "yellow" if source.source == "kindle" else "",
                    ", ".join(item.tags),
                    source.location_type,
                    item.location,
                    item.time.strftime("%Y-%m-%d %H:%M:%S+00:00"),
                    ", ".join(source.tags),
                ]
            )
    return out.getvalue()


def export_link(source: Source, item: Highlight) -> str:
    if source.source != "kindle":
        return f"([View Highlight](https://read.readwise.io/read/{item.ulid}))"
    word = "Page" if source.location_type == "page" else "Location"
    target = f"https://readwise.io/to_kindle?action=open&asin={source.asin}&location={item.location}"
    return f"([{word} {item.location}]({target}))"


def render_export(source: Source) -> str:
    """One file of the official Markdown export, default template."""
    lines = [f"# {source.title}", "", f"![rw-book-cover]({cover(source)})", "", "## Metadata"]
    lines += [f"- Author: [[{source.author}]]", f"- Full Title: {source.title}", f"- Category: #{source.category}"]
    if source.tags:
        lines.append("- Document Tags: " + " ".join(f"[[{tag}]]" for tag in source.tags) + " ")
    if source.summary:
        lines.append(f"- Summary: {source.summary}")
    if source.url:
        lines.append(f"- URL: {source.url}")
    lines += ["", "## Highlights"]
    for item in source.all_highlights:
        if item.heading:
            lines.append(f"### {item.text}")
            continue
        lines.append("- " + "\n  ".join(paragraphs(item.text)) + " " + export_link(source, item))
        if item.tags:
            lines.append("    - Tags: " + " ".join(f"[[{tag}]]" for tag in item.tags) + " ")
        if item.annotation:
            lines.append(f"    - Note: {item.annotation}")
    return "\n".join(lines) + "\n"


def paragraphs(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]
