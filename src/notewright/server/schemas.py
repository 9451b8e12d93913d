"""What goes over the wire. Fields have the names and meanings of `records.py`; times are UTC ISO text; `limit` and `offset` page lists."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Id = Annotated[str, StringConstraints(min_length=1, max_length=400)]
Short = Annotated[str, StringConstraints(max_length=2_000)]
Text = Annotated[str, StringConstraints(max_length=500_000)]
MOST_UNDONE = 20  # a face asks before it takes several back, and nobody looks through a longer list
MOST_HIGHLIGHTS = 5_000  # in one request: more than one source has
Seconds = Annotated[float, Field(ge=0, le=10_000_000, allow_inf_nan=False)]


class Out(BaseModel):
    """An answer; filled from a record."""

    model_config = ConfigDict(from_attributes=True, json_schema_serialization_defaults_required=True)

    @classmethod
    def of(cls, record: object, **more: object) -> Self:
        """From a record, with further fields where the record lacks them."""
        if not more:
            return cls.model_validate(record)
        names = cls.model_fields.keys() - more.keys()
        return cls.model_validate({name: getattr(record, name) for name in names if hasattr(record, name)} | more)


class In(BaseModel):
    """A request body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Problem(Out):
    """Every error: what is wrong, what to do, and all single problems of bad input."""

    message: str
    hint: str
    problems: list[str]


class Health(Out):
    name: Literal["notewright"]
    version: str
    api: int = Field(description="Raised when a route changes so that older clients break")
    boot: str = Field(description="Another one after every start of the server")


# --- sources ---------------------------------------------------------------------------------------------------------------------


class SourceOut(Out):
    id: str
    title: str
    author: str
    kind: str
    app: str
    url: str
    readwise_url: str
    summary: str
    document_note: str
    tags: list[str]
    is_deleted: bool
    highlights: int = Field(description="Visible ones: no discards, no chapter marks")
    chapters: int
    new: int = Field(description="Highlights that came with the newest import")
    noted: int = Field(description="Highlights that a note was made from")
    last_highlighted_at: str


class SourcePage(Out):
    total: int
    sources: list[SourceOut]


class HighlightOut(Out):
    id: str
    text: str
    annotation: str
    tags: list[str]
    chapter: str
    location_label: str
    location: int | None
    color: str
    url: str
    highlighted_at: str
    is_favorite: bool
    is_discard: bool
    images: list[str] = Field(description="Addresses of pictures in the text; outside ones are for links, not to be loaded")
    pair_ids: list[str]


class ChapterOut(Out):
    source_id: str
    source_title: str
    source_author: str
    source_kind: str
    chapter: str = Field(description="Empty for highlights before the first chapter, or of a source without chapters")
    highlights: int
    new: int
    noted: int
    batches: int
    inserted: int
    has_note: bool
    last_highlighted_at: str
    highlight_ids: list[str]


class SourceDetail(Out):
    source: SourceOut
    chapters: list[ChapterOut]
    highlights: list[HighlightOut]


class QueuePage(Out):
    total: int
    chapters: list[ChapterOut]


# --- drafts ----------------------------------------------------------------------------------------------------------------------


class DraftIn(In):
    source: Id = Field(description="A source's id, title, or part of its title")
    chapter: Short | None = Field(default=None, description="Only its highlights, empty: those without one; null: all, or `highlight_ids`")
    highlight_ids: list[Id] = Field(default=[], max_length=MOST_HIGHLIGHTS, description="Just these, which goes without `chapter`")
    n: int | None = Field(default=None, ge=1, le=16, description="How many are shown; null: as many as the person's acceptance asks for")
    written: int | None = Field(default=None, ge=1, le=16, description="How many are written, to choose from; null: the usual")
    model_id: Short = Field(default="", description="A registered version; empty for the current one")
    temperature: float = Field(default=0.8, ge=0, le=3, allow_inf_nan=False)
    top_p: float = Field(default=0.95, gt=0, le=1, allow_inf_nan=False)
    max_new_tokens: int | None = Field(default=None, ge=1, le=8192, description="null: what the highlights ask for")
    seed: int | None = Field(default=None, ge=0, lt=2**31)
    instruction: Short = ""
    examples: int | None = Field(default=None, ge=0, le=20)
    stream: bool = Field(default=True, description="Server-sent events; false: one JSON answer when all is written")
    ahead: bool = Field(default=False, description="Before it is needed: waits until nobody else waits; not listed before it was `seen`")


class FindingOut(Out):
    """What a gate found, at characters `start` to `end` of the text (both 0: the whole)."""

    gate: str
    severity: Literal["block", "warn"]
    reason: str
    start: int
    end: int


class DraftOut(Out):
    id: str
    batch_id: str
    source_id: str
    chapter: str = Field(description="Empty where its highlights have none, or are of several; a list of batches tells these apart")
    model_id: str
    text: str
    position: int
    seed: int
    created_at: str
    problems: list[str] = Field(description="Reasons of the findings that block: the draft cannot go into a note as it is")
    findings: list[FindingOut]
    highlight_ids: list[str]
    sampling: dict[str, Any] = Field(description="`written` is the candidate's number in the stream")


class BatchOut(Out):
    id: str
    source_id: str
    chapter: str
    model_id: str
    drafts: list[DraftOut]
    fewer: str = Field(description="Why there are fewer than were asked for, in words; empty where there are not")
    parts: str = Field(description="In words, that they were written in parts; empty where they were not")


class BatchRow(Out):
    id: str
    source_id: str
    source_title: str
    chapter: str | None = Field(description="null: several, as of a whole source; empty: what has none")
    model_id: str
    created_at: str
    drafts: int
    ranked: bool
    accepted: bool
    rejected: bool
    opening: str
    left: bool = Field(description="The person went back from a version that wrote some of it")
    unseen: bool = Field(description="Prepared `ahead`, and nobody has looked at it yet")


class BatchPage(Out):
    total: int
    batches: list[BatchRow]


class ProvenanceIn(In):
    text: Text
    highlight_ids: list[Id] = Field(max_length=MOST_HIGHLIGHTS)


class AlignmentOut(Out):
    start: int
    end: int
    highlight_start: int
    highlight_end: int
    remark: bool = Field(description="The words are the annotation's")


class RestOut(Out):
    highlight_id: str
    score: float
    method: str
    share: float
    alignments: list[AlignmentOut]


class SpanOut(Out):
    """A sentence, bullet or heading (characters `start` to `end`) and the highlights it rests on, surest first."""

    start: int
    end: int
    kind: str
    rests: list[RestOut]


class EditIn(In):
    final_text: Text
    note_path: Short = ""
    seconds: Seconds | None = None


class DiffIn(In):
    before: Text
    after: Text


class PieceOut(Out):
    op: Literal["=", "-", "+"]
    text: str


class DiffOut(Out):
    pieces: list[PieceOut]
    distance: float


class EventOut(Out):
    id: int
    kind: str
    at: str
    subject: str
    payload: dict[str, Any]


class RemarkIn(In):
    comment: Text = ""
    chips: list[Short] = Field(default=[], max_length=20)
    seconds: Seconds | None = None


class RankingIn(RemarkIn):
    order: list[list[Id]] = Field(max_length=32, description="Best first; equal ones in one group")
    rejected: list[Id] = Field(default=[], max_length=32, description="Worse than all others")
    best_only: bool = Field(default=False, description="The order names one draft, which beats all others shown")
    aspects: dict[Id, list[Short]] = Field(
        default={}, max_length=32, description="Ticks: in what a draft is good (structure, content, voice)"
    )


class DecisionIn(RemarkIn):
    decision: Literal["accept", "reject", "reject_all"]
    draft_id: Short = ""
    batch_id: Short = Field(default="", description="For reject_all; beside `draft_id` it must be that draft's")


class CommentIn(In):
    draft_id: Short = ""
    batch_id: Short = ""
    text: Text = ""
    chips: list[Short] = Field(default=[], max_length=20)
    seconds: Seconds | None = None


class UndoIn(In):
    keep_note: bool = False
    number: int = Field(default=1, ge=1, le=MOST_UNDONE, description="How many of the last actions; more than 1 goes without `expected`")
    expected: int | None = Field(
        default=None, description="Only the last action, if it is this event; refused (409) where something else was done since"
    )


class UndoneOut(EventOut):
    """The last thing that was taken back, and those before it."""

    before: list[EventOut]


class JudgedOut(Out):
    """What counts of the person's judgements of a batch."""

    batch_id: str
    order: list[list[str]] = Field(description="Best first; equal ones in one group; empty where it is not ranked")
    rejected: list[str]
    accepted: dict[str, str] = Field(description="For each accepted draft the note it stands in; empty where it was written into none")
    edits: dict[str, str] = Field(description="The person's own version of each draft that was edited before it went into a note")


class ActionOut(Out):
    event: EventOut
    undone: bool


class PlaceIn(In):
    into: Id = Field(description="The note's path in the vault; it is made where there is none")
    under: Short | None = Field(default=None, description="A heading, or Parent#Heading; else the end of the note")
    final_text: Text | None = Field(default=None, description="The person's own version of the draft")
    template: Short | None = Field(default=None, description="Frames a new note; null is the settings' own, empty is none")


class SeenIn(In):
    text: Text | None = Field(description="The note's text; null where there is no such note")


class PreviewIn(PlaceIn):
    seen: SeenIn | None = Field(default=None, description="The note as the client holds it; else it is read from the server's disk")


class AcceptIn(PlaceIn):
    expected_hash: Id = Field(description="`before_hash` of the preview: the note is only written if it is still so")
    force: bool = Field(default=False, description="Although the draft has problems, or is in a note already")
    broken: list[Short] = Field(default=[], max_length=100, description="What may stand although it leads nowhere, as the preview says it")
    seconds: Seconds | None = None


class InsertionIn(In):
    """What Obsidian has put into a note after a preview."""

    note_path: Id
    start: int = Field(ge=0, description="Byte offset of `inserted` in the note as it is now")
    inserted: Text
    under: Short | None = None
    created: bool = False
    final_text: Text | None = None
    seconds: Seconds | None = None
    passage: tuple[int, int] | None = Field(default=None, description="Bytes of `inserted` that are the draft; else all of it")
    seen: Text | None = Field(default=None, description="The whole note as Obsidian left it, for a server without that note on its disk")
    order: int | None = Field(default=None, description="The order that this fulfils")


class TemplateOut(Out):
    name: str
    origin: Literal["home", "vault"]


class LaterEditIn(In):
    """A passage that came from a draft, before and after the person changed it in Obsidian."""

    before: Text
    after: Text
    note_path: Short = ""


class PreviewOut(Out):
    draft_id: str
    note_path: str
    under: str
    before_hash: str
    after_hash: str
    diff: str = Field(description="Unified diff of the note")
    inserted: str
    start: int
    created: bool
    passage: tuple[int, int] = Field(description="Bytes of `inserted` that are the draft, where a template framed it")
    broken: list[str] = Field(description="Links and assets of the draft that lead nowhere; accepting must name them")
    namesakes: list[str] = Field(description="Notes of the same name in other folders, where this one would be new")


class AcceptedOut(Out):
    draft_id: str
    note_path: str
    before_hash: str
    after_hash: str
    diff: str
    created: bool
    events: list[EventOut]


class ChangedNote(Problem):
    """409: the note is not as the person saw it. `current` is what accepting would do to it now, if it still can be done."""

    current: PreviewOut | None


# --- taste -----------------------------------------------------------------------------------------------------------------------


class BeliefOut(Out):
    feature: str
    aspect: str
    unit: str
    prefer: str = Field(description="more, less (than the own notes have), or like mine")
    low: float
    high: float
    slope: float = Field(description="Utility of one spread more")
    deviation: float = Field(description="Standard deviation of the slope")
    sure: Literal["sure", "leaning", "unsure"]
    corrected: bool
    sentence: str


class TasteOut(Out):
    notes: int = Field(description="Finished passages of the person it starts from")
    evidence: int = Field(description="How often they said something of drafts, or did something with them")
    beliefs: list[BeliefOut]


class CorrectionIn(In):
    feature: Short
    prefer: Literal["more", "less", "about", "indifferent"]
    value: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="With `about`: how much, in the feature's unit")


class RewardTrustOut(Out):
    reward: str
    lists: int
    accuracy: float
    low: float
    high: float
    level: str
    why: str


class TrustOut(Out):
    at: str
    rewards: list[RewardTrustOut]


class RuleOut(Out):
    name: str
    text: str
    status: str
    acts: str = Field(description="How it works, in words")


class RulePage(Out):
    confirmed: list[RuleOut]
    proposed: list[RuleOut]


class RuleIn(In):
    text: Short


# --- vault -----------------------------------------------------------------------------------------------------------------------


class NoteRow(Out):
    path: str
    title: str
    aliases: list[str]
    pairs: int = Field(description="Pairs with the source that was asked for")
    alike: bool = Field(description="It is called as that source is")


class NotePage(Out):
    total: int
    notes: list[NoteRow]
    folder: str = Field(description="Where a new note about the source that was asked for would lie; empty: at the top")


class HeadingOut(Out):
    level: int
    title: str
    line: int


class NoteOut(Out):
    path: str
    exists: bool
    content_hash: str
    text: str
    headings: list[HeadingOut]


class MarkdownIn(In):
    markdown: Text
    note_path: Short = Field(default="", description="Where it would stand: relative links and pictures are found from there")


class HtmlOut(Out):
    html: str = Field(description="Safe to put into a page: no scripts, no handlers, no outside resources")
    problems: list[str] = Field(description="What could not be shown, in words")


# --- import, settings ------------------------------------------------------------------------------------------------------------


class PathIn(In):
    path: Id
    kind: Literal["readwise", "kindle"] = "readwise"


class SyncIn(In):
    full: bool = Field(default=False, description="Everything again, not only what changed")


class TokenIn(In):
    token: Id


class SettingsOut(Out):
    home: str
    vault: str | None
    vault_exists: bool
    readwise_folder: str
    readwise_found: list[str] = Field(description="The folders of the vault that are taken for Readwise's now")
    templates_found: list[str] = Field(description="Folders and notes of the vault that are taken for templates, and for no notes")
    exclude: list[str]
    absent: list[str] = Field(description="Folders named here that the vault has not (yet)")
    template: str = Field(description="What frames new notes; empty: nothing")
    base_model: str
    device: str
    engine_url: str
    engine_model: str
    duels: float = Field(description="Share of the drafts in which two versions are mixed, unnamed")
    improve_after: int = Field(description="Judged batches of drafts after which the server improves by itself; 0: never")
    readwise_token: str = Field(description="Where a token is kept, in words; empty where there is none")


class SettingsIn(In):
    """Only the fields that are given are changed."""

    vault: Id | None = None
    readwise_folder: Short | None = None
    exclude: list[Short] | None = Field(default=None, max_length=200)
    template: Short | None = Field(default=None, description="The name of a template that there is; empty for none")
    base_model: Short | None = None
    device: Literal["auto", "cpu", "cuda", "mps"] | None = None
    engine_url: Short | None = Field(default=None, description="A server with OpenAI's protocol that writes (…/v1); empty: a model of ours")
    engine_model: Short | None = None
    duels: float | None = Field(default=None, ge=0, le=0.5)
    improve_after: int | None = Field(default=None, ge=0, le=1_000_000)
