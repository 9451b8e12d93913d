"""The nouns of notewright as frozen dataclasses; the glossary in the architecture defines each word.

Times are UTC ISO 8601 text. Sequences are tuples so that records can be compared and hashed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

KINDS = ("book", "article", "podcast", "tweet", "supplemental")
PAIR_STATUSES = ("proposed", "accepted", "rejected")
REWARDS = ("taste", "embedding", "ensemble", "combination")


@dataclass(frozen=True, slots=True)
class Highlight:
    """Text the person marked in a source; immutable except through a new import.

    `id` is the library's key, fixed at the first import; `outside_ids` are every identity an importer knows for it, strongest
    first (`readwise:123`, `reader:01ab…`). `location` is a page, Kindle location, order or second, as `location_type` says
    (`page`, `location`, `order`, `offset`, `time_offset`, or whatever the exporter wrote).
    `heading_level` is 1-6 for a chapter mark (`.h1`-`.h6`), else 0; `chapter` is the title in force at this highlight.
    """

    text: str
    id: str = ""
    source_id: str = ""
    annotation: str = ""
    tags: tuple[str, ...] = ()
    location: int | None = None
    location_type: str = ""
    chapter: str = ""
    heading_level: int = 0
    color: str = ""
    url: str = ""
    highlighted_at: str = ""
    updated_at: str = ""
    is_favorite: bool = False
    is_discard: bool = False
    is_deleted: bool = False
    position: int = 0
    outside_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """The book, article or podcast a highlight came from. `kind` is one of `KINDS` (empty on its way in, where an export does not say);
    `app` is where it was read (kindle, reader)."""

    title: str
    id: str = ""
    author: str = ""
    kind: str = "book"
    app: str = ""
    url: str = ""
    readwise_url: str = ""
    asin: str = ""
    cover_url: str = ""
    summary: str = ""
    document_note: str = ""
    tags: tuple[str, ...] = ()
    is_deleted: bool = False
    outside_ids: tuple[str, ...] = ()
    highlights: tuple[Highlight, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Note:
    """One Markdown file of the vault. `path` is relative to the vault, with forward slashes; `content_hash` is of its bytes."""

    id: str
    path: str
    title: str
    content_hash: str
    properties: dict[str, object] = field(default_factory=dict, hash=False)
    aliases: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    mtime_ns: int = 0
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """A contiguous part of a note: `start` and `end` are byte offsets, `text` is exactly those bytes decoded as UTF-8.

    `headings` is the trail from the note's top to this passage, its own heading last. `lead` is what stands before it, down from the
    passage before or the note's properties: blank lines, and headings that have nothing of their own.
    """

    id: str
    note_id: str
    note_path: str
    start: int
    end: int
    text: str
    headings: tuple[str, ...] = ()
    lead: str = ""


@dataclass(frozen=True, slots=True)
class PairLink:
    """One highlight's part in a pair: how sure (0-1), by which method, and the evidence in words."""

    highlight_id: str
    score: float
    method: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """Highlights of one source matched to one passage. `status` is one of `PAIR_STATUSES`; the passage is kept as it was seen."""

    id: str
    source_id: str
    note_id: str
    note_path: str
    passage_id: str
    passage_start: int
    passage_end: int
    passage_text: str
    score: float
    method: str
    status: str
    links: tuple[PairLink, ...] = ()
    headings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """Chosen highlights of one source plus an instruction, as the policy sees them; `id` is a hash of the rendered messages."""

    source: Source
    highlights: tuple[Highlight, ...]
    chapter: str = ""
    instruction: str = ""
    id: str = ""
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a gate found in a draft. `severity` is block or warn; `start` and `end` are character offsets, both 0 for the whole draft."""

    gate: str
    severity: str
    reason: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """A text a model wrote for a prompt. Drafts of one `batch_id` were shown side by side, at `position` (0-based).

    `findings` are what the gates found; `problems` the reasons of those that block: without any the draft may be inserted as it is.
    A draft that is not `shown` was written and held back; `sampling["selection"]` says why.
    """

    id: str
    batch_id: str
    source_id: str
    chapter: str
    model_id: str
    text: str
    position: int
    seed: int
    created_at: str
    messages: tuple[dict[str, str], ...] = field(default=(), hash=False)
    sampling: dict[str, object] = field(default_factory=dict, hash=False)
    problems: tuple[str, ...] = ()
    highlight_ids: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    shown: bool = True

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(finding.reason for finding in self.findings if finding.severity == "warn")


@dataclass(frozen=True, slots=True)
class Event:
    """What the person did, stored as given and never changed. `kind`: ranking, decision, comment, edit, insertion, undo, pair,
    belief (a corrected belief about the person's taste), rule (a wish that became a rule)."""

    id: int
    kind: str
    at: str
    subject: str
    payload: dict[str, object] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Dataset:
    """A frozen JSONL folder: `kind` is sft, preference, edits or labels; `manifest` is the folder's manifest.json."""

    id: str
    kind: str
    path: str
    created_at: str
    manifest: dict[str, object] = field(default_factory=dict, hash=False)

    def rows(self, split: str) -> int:
        """How many rows a split has."""
        counts = self.manifest.get("counts")
        return int(counts.get(split, 0)) if isinstance(counts, dict) else 0


@dataclass(frozen=True, slots=True)
class Run:
    """One training of one method. `status`: created, running, finished, failed, interrupted."""

    id: str
    method: str
    path: str
    status: str
    created_at: str
    dataset_id: str = ""
    parent_model_id: str = ""
    recipe: dict[str, object] = field(default_factory=dict, hash=False)
    metrics: dict[str, object] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Model:
    """A registered version: base model plus adapter plus role. `adapter_path` is empty for a plain base model."""

    id: str
    base: str
    adapter_path: str
    role: str
    created_at: str
    run_id: str = ""
    parent_id: str = ""
    dataset_id: str = ""
    revision: str = ""
    recipe: dict[str, object] = field(default_factory=dict, hash=False)
    metrics: dict[str, object] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What one import changed, in highlights. `unchanged` were already there, exactly so; `marks_changed` counts the chapter marks (`.h1`)
    that are new, changed or removed, which are no highlights anywhere else either."""

    origin: str
    sources_added: int = 0
    sources_updated: int = 0
    added: int = 0
    updated: int = 0
    removed: int = 0
    unchanged: int = 0
    warnings: tuple[str, ...] = ()
    marks_changed: int = 0

    @property
    def changed(self) -> bool:
        return bool(self.sources_added or self.sources_updated or self.added or self.updated or self.removed or self.marks_changed)
