"""What goes over the wire about pairs."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .schemas import MOST_HIGHLIGHTS, HighlightOut, Id, In, Out, SpanOut


class LinkOut(Out):
    highlight_id: str
    score: float
    method: str
    evidence: str


class PairOut(Out):
    id: str
    source_id: str
    source_title: str
    note_path: str
    headings: list[str]
    passage_text: str
    passage_start: int
    passage_end: int
    score: float
    method: str
    status: Literal["proposed", "accepted", "rejected"]
    links: list[LinkOut]


class PairPage(Out):
    total: int
    pairs: list[PairOut]


class PairDetail(Out):
    pair: PairOut
    why: str
    highlights: list[HighlightOut] = Field(description="In the order of the pair's links")
    spans: list[SpanOut] = Field(description="Of `passage_text`; offsets count characters of it, and of the highlight's text or annotation")


class PairDecided(PairDetail):
    events: list[int] = Field(description="What this stored, for `POST /api/pairs/restore`; none where it changed nothing")


class PairRestoreIn(In):
    events: list[int] = Field(min_length=1, max_length=100, description="As deciding, splitting or merging answered with them")


class PairDecisionIn(In):
    status: Literal["proposed", "accepted", "rejected"]


class PairSplitIn(In):
    highlight_ids: list[Id] = Field(max_length=MOST_HIGHLIGHTS, description="Those of the pair's highlights to keep")


class PairMergeIn(In):
    pair_id: Id = Field(description="Another pair of the same source")


class PassageOut(Out):
    id: str
    headings: list[str] = Field(description="From the note's top down to its own")
    text: str
    start: int
    end: int
    pair_ids: list[str] = Field(description="Of pairs that are not rejected")


class PassagePage(Out):
    passages: list[PassageOut]


class PairIn(In):
    note_path: Id
    passage_id: Id = Field(description="As `GET /api/passages` tells")
    source_id: Id
    highlight_ids: list[Id] = Field(
        min_length=1, max_length=MOST_HIGHLIGHTS, description="Of that source: those the passage was written from"
    )
