"""Which highlights became which passage: look, decide, pair anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from fastapi import Query
from fastapi.responses import Response

from ... import pairing
from ...errors import NotFound
from ...library import Library
from ...provenance import provenance
from ...records import Pair
from ..context import Here, Opened
from ..jobs import Job
from ..problems import make_router
from ..schemas import SpanOut
from ..schemas_pairs import (
    PairDecided,
    PairDecisionIn,
    PairDetail,
    PairIn,
    PairMergeIn,
    PairOut,
    PairPage,
    PairRestoreIn,
    PairSplitIn,
    PassageOut,
    PassagePage,
)
from ..schemas_training import JobOut
from .sources import Limit, Offset, highlight_out, source_titles

router = make_router("pairs")


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
    return _page(library, library.pairs.all(status=status, source_id=source_id, note_path=note_path), limit, offset)


@router.get("/pairs/review", operation_id="pairsToReview")
def pairs_to_review(library: Opened, limit: Limit = 100, offset: Offset = 0) -> PairPage:
    """Undecided pairs, those first whose decision teaches most."""
    return _page(library, pairing.review_queue(library), limit, offset)


def _page(library: Library, found: Sequence[Pair], limit: int, offset: int) -> PairPage:
    titles = source_titles(library)
    return PairPage(total=len(found), pairs=[_pair(item, titles) for item in found[offset : offset + limit]])


@router.get("/pairs/{pair_id}", operation_id="getPair")
def get_pair(library: Opened, pair_id: str) -> PairDetail:
    """One pair with its highlights, why they belong together, and which words of the passage are words of which highlight."""
    return _detail(library, library.pairs.get(pair_id))


@router.get("/passages", operation_id="listPassages")
def list_passages(library: Opened, note_path: Annotated[str, Query(min_length=1, max_length=1000)]) -> PassagePage:
    """The passages of a note in its order, as the vault was read last."""
    pairs = [pair for pair in library.pairs.all(note_path=note_path) if pair.status != "rejected"]
    found = library.notes.passages(library.notes.find(note_path).id)
    return PassagePage(passages=[PassageOut.of(item, pair_ids=[pair.id for pair in pairs if pair.passage_id == item.id]) for item in found])


@router.post("/pairs", operation_id="namePair")
def name_pair(library: Opened, wish: PairIn) -> PairDecided:
    """Say which highlights a passage was written from, where pairing finds nothing: the pair is accepted. One of that passage and source
    that there is already gets these highlights."""

    def name() -> Pair:
        passages = [item for item in library.notes.passages(library.notes.find(wish.note_path).id) if item.id == wish.passage_id]
        if not passages:
            raise NotFound(f"{wish.note_path} has no such passage (any more).", "Ask for its passages again: GET /api/passages")
        return pairing.add(library, passages=passages, source_id=wish.source_id, highlight_ids=wish.highlight_ids)[0]

    return _decided(library, name)


@router.post("/pairs/{pair_id}/decision", operation_id="decidePair")
def decide_pair(library: Opened, pair_id: str, decision: PairDecisionIn) -> PairDecided:
    """Say that a pair is right or wrong, or undecided again (`proposed`, with all its highlights). Pairing again never changes it."""
    if decision.status == "proposed":
        return _decided(library, lambda: pairing.reopen(library, pair_id))
    return _decided(library, lambda: library.pairs.decide(pair_id, decision.status))


@router.post("/pairs/{pair_id}/split", operation_id="splitPair")
def split_pair(library: Opened, pair_id: str, wish: PairSplitIn) -> PairDecided:
    """Accept a pair with only some of its highlights."""
    return _decided(library, lambda: pairing.split(library, pair_id, wish.highlight_ids))


@router.post("/pairs/{pair_id}/merge", operation_id="mergePair")
def merge_pair(library: Opened, pair_id: str, wish: PairMergeIn) -> PairDecided:
    """Accept a pair with the highlights of another one of its source added; the other is rejected."""
    return _decided(library, lambda: pairing.merge(library, pair_id, wish.pair_id))


@router.post("/pairs/restore", operation_id="restorePairs", status_code=204)
def restore_pairs(library: Opened, wish: PairRestoreIn) -> Response:
    """Take a decision back: an undo of just this one, also where others came since. Told twice, it counts once."""
    pairing.restore(library, wish.events)
    return Response(status_code=204)


@router.post("/pair", operation_id="pair", status_code=202)
def pair(here: Here) -> JobOut:
    """Propose pairs anew from all highlights and notes; decided ones stay."""

    def work(job: Job) -> object:
        with here.open_library() as library:
            return pairing.pair(library, settings=here.settings, progress=lambda done, total: here.jobs.advance(job, done, total))

    return JobOut.of(here.jobs.start("pair", "Pairing", work))


def _pair(item: Pair, titles: dict[str, str]) -> PairOut:
    return PairOut.of(item, source_title=titles.get(item.source_id, ""))


def _decided(library: Library, decide: Callable[[], Pair]) -> PairDecided:
    found, events = pairing.recorded(library, decide)
    return PairDecided(**dict(_detail(library, found)), events=[event.id for event in events])


def _detail(library: Library, found: Pair) -> PairDetail:
    known = [library.sources.highlight(link.highlight_id) for link in found.links]
    highlights = [highlight_out(item, [found.id]) for item in known]
    spans = [SpanOut.of(span) for span in provenance(found.passage_text, known)]
    why = pairing.explain(found, merged=found.id in library.pairs.merged())
    return PairDetail(pair=_pair(found, source_titles(library)), why=why, highlights=highlights, spans=spans)
