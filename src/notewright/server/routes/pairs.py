"""Which highlights became which passage: look, decide, pair anew."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query

from ... import pairing
from ...library import Library
from ...records import Pair
from ..context import Here, Opened
from ..jobs import Job
from ..schemas import PairDecisionIn, PairDetail, PairOut, PairPage
from ..schemas_training import JobOut
from .sources import Limit, Offset, highlight_out, source_titles

router = APIRouter(prefix="/api", tags=["pairs"])


@router.get("/pairs", operation_id="listPairs")
def list_pairs(
    library: Opened,
    status: Literal["", "proposed", "accepted", "rejected"] = "",
    source_id: Annotated[str, Query(max_length=1000)] = "",
    note_path: Annotated[str, Query(max_length=1000)] = "",
    limit: Limit = 100,
    offset: Offset = 0,
) -> PairPage:
    """Pairs by note and place in it."""
    found = library.pairs.all(status=status, source_id=source_id, note_path=note_path)
    titles = source_titles(library)
    return PairPage(total=len(found), pairs=[_pair(item, titles) for item in found[offset : offset + limit]])


@router.get("/pairs/{pair_id}", operation_id="getPair")
def get_pair(library: Opened, pair_id: str) -> PairDetail:
    """One pair with its highlights, and why they belong together."""
    return _detail(library, library.pairs.get(pair_id))


@router.post("/pairs/{pair_id}/decision", operation_id="decidePair")
def decide_pair(library: Opened, pair_id: str, decision: PairDecisionIn) -> PairDetail:
    """Say that a pair is right or wrong, or take that back (`proposed`). Pairing again never changes it."""
    return _detail(library, library.pairs.decide(pair_id, decision.status))


@router.post("/pair", operation_id="pair", status_code=202)
def pair(here: Here) -> JobOut:
    """Propose pairs anew from all highlights and notes; decided ones stay."""

    def work(job: Job) -> object:
        with here.open_library() as library:
            return pairing.pair(library, settings=here.settings, progress=lambda done, total: here.jobs.advance(job, done, total))

    return JobOut.of(here.jobs.start("pair", "Pairing", work))


def _pair(item: Pair, titles: dict[str, str]) -> PairOut:
    return PairOut.of(item, source_title=titles.get(item.source_id, ""))


def _detail(library: Library, found: Pair) -> PairDetail:
    highlights = [highlight_out(library.sources.highlight(link.highlight_id), [found.id]) for link in found.links]
    return PairDetail(pair=_pair(found, source_titles(library)), why=pairing.explain(found), highlights=highlights)
