"""Sources, their chapters and highlights; and the queue of chapters that have no note yet."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Annotated

from fastapi import Path, Query

from ... import drafting
from ...errors import NotFound
from ...library import Library
from ...library.browse import SourceView
from ...prompts import location_label
from ...records import Highlight
from ..context import Opened
from ..problems import make_router
from ..schemas import ChapterOut, HighlightOut, QueuePage, SourceDetail, SourceOut, SourcePage

Limit = Annotated[int, Query(ge=1, le=1000)]
Offset = Annotated[int, Query(ge=0, le=10_000_000)]
_PICTURE = re.compile(r"!\[[^\]]*\]\(<?([^)\s>]+)>?[^)]*\)|!\[\[([^\]|]+)")
router = make_router("sources")


@router.get("/sources", operation_id="listSources")
def list_sources(
    library: Opened,
    q: Annotated[str, Query(max_length=500)] = "",
    kind: Annotated[str, Query(max_length=40)] = "",
    limit: Limit = 100,
    offset: Offset = 0,
) -> SourcePage:
    """Sources by title. Every word of `q` must occur in title, author, tags, or the highlights."""
    views, total = library.browse.sources(query=q, kind=kind, limit=limit, offset=offset)
    return SourcePage(total=total, sources=[_source(view) for view in views])


@router.get("/sources/{source_id:path}", operation_id="getSource")
def get_source(library: Opened, source_id: Annotated[str, Path(max_length=1000)]) -> SourceDetail:
    """One source with its chapters and all its highlights, discards included, in reading order."""
    view = library.browse.source(source_id)
    if view is None:
        raise NotFound(f"No source has the id {source_id!r}.", "List them with: GET /api/sources")
    pairs: dict[str, list[str]] = defaultdict(list)
    for pair in library.pairs.all(source_id=source_id):
        for link in pair.links if pair.status != "rejected" else ():
            pairs[link.highlight_id].append(pair.id)
    chapters = library.browse.chapters(source_ids=[source_id])
    return SourceDetail(
        source=_source(view), chapters=[ChapterOut.of(item) for item in sorted(chapters, key=lambda item: item.position)],
        highlights=[highlight_out(item, pairs[item.id]) for item in library.sources.highlights(source_id)],
    )  # fmt: skip


@router.get("/queue", operation_id="getQueue")
def get_queue(library: Opened, new_only: bool = False, limit: Limit = 50, offset: Offset = 0) -> QueuePage:
    """Chapters with highlights and no note yet, those with highlights of the newest import first."""
    waiting = drafting.queue(library, new_only=new_only)
    return QueuePage(total=len(waiting), chapters=[ChapterOut.of(item) for item in waiting[offset : offset + limit]])


def _source(view: SourceView) -> SourceOut:
    counts = {name: getattr(view, name) for name in ("highlights", "chapters", "new", "noted", "last_highlighted_at")}
    return SourceOut.of(view.source, **counts)


def highlight_out(item: Highlight, pair_ids: list[str]) -> HighlightOut:
    images = [found[1] or found[2] for found in _PICTURE.finditer(f"{item.text}\n{item.annotation}")]
    return HighlightOut.of(item, location_label=location_label(item), images=images, pair_ids=pair_ids)


def source_titles(library: Library) -> dict[str, str]:
    return {source.id: source.title for source in library.sources.all(include_removed=True)}
