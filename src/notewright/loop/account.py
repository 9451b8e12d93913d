"""What came of it, from the library's own events: what the person took, what they made of it, what it saved, what was learnt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import reward
from ..errors import Invalid, NotFound
from ..library.events import in_force
from ..library.splits import LATER
from ..models import bandit
from ..models.bandit import WinRate
from ..models.drift import Drift
from ..models.turns import asked, changed_of, remembered
from ..records import Draft, Event, Model
from ..text import edit_distance, tokens
from .curve import Curve, Mean, curve, mean_of

if TYPE_CHECKING:
    from ..library import Library

WRITING = 19.0  # words a minute when composing at a keyboard (Karat et al., CHI 1999: 19; copying a text: 33)
READING = 238.0  # words a minute when reading silently (Brysbaert, J. Memory and Language 2019)
SPEEDS = (10.0, 19.0, 40.0)  # words a minute at which the saving is told as well
AWAY = 3600.0  # seconds; a batch that lay open for longer was not looked at all the while
EXAMPLES = 4


@dataclass(frozen=True, slots=True)
class Taken:
    """A draft that was accepted, and `left`: the person's text as it stood when the note was last looked at (empty: deleted since).

    `cost` is the normalised edit distance between the two (0: taken as it was), `changed` the words, marks and line breaks that differ.
    `place` is where the machine had put it among the `shown` (0 is first); the studio shows them in another order, drawn by chance.
    """

    draft_id: str
    batch_id: str
    model_id: str
    at: str
    source: str
    chapter: str
    written: str
    left: str
    cost: float
    changed: int
    place: int
    shown: int


@dataclass(frozen=True, slots=True)
class Minutes:
    """`alone`: typing what was left, from nothing; `typed`: what was changed in drafts; `looked`: reading and judging every batch.

    `looked` is measured by the studio or the command line in `measured` batches, and for the `assumed` others (also those that lay open for
    more than an hour) the time to read what was shown at `reading` words a minute. `saved` is `alone` less the other two, all in minutes at
    `writing` words a minute; `by_speed` is the same at other speeds. The machine's own time is not counted.
    """

    writing: float
    reading: float
    alone: float
    typed: float
    looked: float
    measured: int
    assumed: int
    saved: float
    by_speed: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Version:
    """A version that wrote or was made current. `promotions` are (when, why); `held_out` its last evaluation on held-out passages.

    `cost` is of the drafts it wrote that were taken, `taken` the share of the decided batches that it wrote alone from which one was.
    """

    model_id: str
    role: str
    parent_id: str
    made_at: str
    current: bool
    promotions: tuple[tuple[str, str], ...]
    held_out: Mean
    cost: Mean
    taken: Mean


@dataclass(frozen=True, slots=True)
class Account:
    """`decided` batches were taken from or turned down whole, from `since` to `until` (empty without any), `open` ones were
    judged without that: ranked, or some of their drafts rejected. `learnt` and `rules` are sentences.

    `curves` are edit cost, acceptance and place (1: the machine's first choice was taken, 0: its last, 0.5 is chance); `versions` are in
    the order in which they were made; `duels` say how often one version's draft was preferred to another's without knowing whose it is,
    `drift` is the newest change of the person; `notes` is how many finished passages taste rests on.
    """

    since: str
    until: str
    taken: int
    untouched: int
    deleted: int
    decided: int
    open: int
    curves: tuple[Curve, ...]
    minutes: Minutes
    versions: tuple[Version, ...]
    duels: tuple[WinRate, ...]
    drift: Drift | None
    notes: int
    learnt: tuple[str, ...]
    trusted: bool
    rules: tuple[str, ...]
    examples: tuple[Taken, ...]


def account(library: Library, *, writing: float = WRITING, reading: float = READING) -> Account:
    """Everything the library's events tell; `writing` and `reading` are words a minute. Raises Invalid where they are not above 0."""
    if not (0 < writing < float("inf") and 0 < reading < float("inf")):
        raise Invalid("Words a minute must be above 0.", f"Leave them out for {WRITING:g} (writing) and {READING:g} (reading).")
    events = in_force(library.events.standing("ranking", "decision", "edit", "insertion"))
    by_batch = _by_batch(events)
    batches = library.drafts.batches(by_batch)
    taken = _taken(library, events, batches)
    outcomes = _outcomes(by_batch, batches, {item.batch_id: item for item in taken})
    places = [
        (item.at, 1 - item.place / (item.shown - 1))
        for item in taken
        if item.shown > 1 and len({draft.model_id for draft in batches[item.batch_id]}) == 1  # in a duel chance puts them in order
    ]
    judged, beliefs = remembered(library), reward.beliefs(library)  # as all faces tell of duels and of a change
    times = sorted(at for at, _ in outcomes.values())
    return Account(
        since=times[0] if times else "", until=times[-1] if times else "", taken=len(taken),
        untouched=sum(item.changed == 0 for item in taken), deleted=sum(not item.left for item in taken), decided=len(outcomes),
        open=len(by_batch.keys() & batches.keys()) - len(outcomes),
        curves=(
            curve("edit cost", [(item.at, item.cost) for item in taken]),
            curve("acceptance", [(at, float(good)) for at, good in outcomes.values()], share=True),
            curve("place", places),
        ),
        minutes=_minutes(taken, by_batch, batches, writing, reading),
        versions=_versions(library, taken, outcomes, batches), duels=tuple(bandit.win_rates(judged)), drift=changed_of(library, judged),
        notes=reward.taste_of(library).scale.notes,
        learnt=tuple(item.sentence for item in beliefs if item.corrected or item.sure != "unsure"),
        trusted=library.trust()["taste"] != "nothing",
        rules=tuple(rule.text for rule in reward.confirmed_rules(library)),
        examples=_examples(taken),
    )  # fmt: skip


def _by_batch(events: Sequence[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        batch = event.payload.get("batch")
        if isinstance(batch, str):  # an insertion has none; the decision beside it has
            found[batch].append(event)
    return found


def _taken(library: Library, events: Sequence[Event], batches: Mapping[str, Sequence[Draft]]) -> list[Taken]:
    """Accepted drafts, each once, in the order in which they were first accepted."""
    edits, insertions = defaultdict(list), {}
    accepted: dict[str, Event] = {}
    for event in events:
        if event.kind == "edit":
            edits[event.subject].append(event)
        elif event.kind == "insertion":
            insertions[event.subject] = event
        elif event.payload.get("decision") == "accept":
            accepted.setdefault(event.subject, event)
    shown = {draft.id: drafts for drafts in batches.values() for draft in drafts}
    titles: dict[str, str] = {}
    found = []
    for draft_id, event in accepted.items():
        if draft_id not in shown:
            continue
        draft = next(item for item in shown[draft_id] if item.id == draft_id)
        if draft.source_id not in titles:
            titles[draft.source_id] = _title(library, draft.source_id)
        written, left = draft.text.strip(), _left(draft, edits[draft_id], insertions.get(draft_id)).strip()
        found.append(
            Taken(
                draft_id, draft.batch_id, draft.model_id, event.at, titles[draft.source_id], draft.chapter, written, left,
                cost=edit_distance(written, left), changed=_changed(written, left),
                place=[item.id for item in shown[draft_id]].index(draft_id), shown=len(shown[draft_id]),
            )
        )  # fmt: skip
    return found


def _title(library: Library, source_id: str) -> str:
    try:
        return library.sources.get(source_id).title
    except NotFound:
        return source_id


def _left(draft: Draft, edits: Sequence[Event], insertion: Event | None) -> str:
    """The newest text: of the edits that were inserted or came after the insertion, where there is one."""
    if insertion:
        beside: Any = insertion.payload.get("with") or []
        edits = [edit for edit in edits if edit.id in beside or (edit.at, edit.id) > (insertion.at, insertion.id)]
    return str(edits[-1].payload["final_text"]) if edits else draft.text


def _changed(written: str, left: str) -> int:
    from rapidfuzz.distance import Levenshtein

    return int(Levenshtein.distance(tokens(written), tokens(left)))


def _outcomes(
    by_batch: Mapping[str, Sequence[Event]], batches: Mapping[str, Sequence[Draft]], taken: Mapping[str, Taken]
) -> dict[str, tuple[str, bool]]:
    """(When, whether something was taken) of every batch that was taken from or turned down whole."""
    found: dict[str, tuple[str, bool]] = {}
    for batch_id, events in by_batch.items():
        if batch_id in taken:
            found[batch_id] = (taken[batch_id].at, True)
            continue
        shown = {draft.id for draft in batches.get(batch_id, ())}
        refused: set[str] = set()
        last = next((event.id for event in reversed(events) if event.kind == "ranking"), 0)  # it replaces those before it
        for event in events:
            decision, rejected = event.payload.get("decision"), event.payload.get("rejected")
            refused |= shown if decision == "reject_all" else {event.subject} if decision == "reject" else set()
            refused |= set(rejected) if isinstance(rejected, list) and event.id == last else set()
            if shown and shown <= refused:
                found[batch_id] = (event.at, False)
                break
    return found


def _minutes(
    taken: Sequence[Taken], by_batch: Mapping[str, Sequence[Event]], batches: Mapping[str, Sequence[Draft]], writing: float, reading: float
) -> Minutes:
    looked, measured, assumed = 0.0, 0, 0
    for batch_id, events in by_batch.items():
        if batch_id not in batches:
            continue
        clocks = [value for event in events if isinstance(value := event.payload.get("seconds"), int | float) and value <= AWAY]
        if clocks:  # each counts from when the batch was there to be read, so the last one holds the others
            looked, measured = looked + max(clocks) / 60, measured + 1
        else:
            looked, assumed = looked + sum(len(draft.text.split()) for draft in batches[batch_id]) / reading, assumed + 1
    left = sum(len(item.left.split()) for item in taken)
    changed = sum(item.changed for item in taken if item.left)  # to delete a passage is no typing

    def saved(speed: float) -> float:
        return (left - changed) / speed - looked

    speeds = tuple(sorted({*SPEEDS, writing}))
    return Minutes(
        writing, reading, left / writing, changed / writing, looked, measured, assumed, saved(writing),
        tuple((speed, saved(speed)) for speed in speeds),
    )  # fmt: skip


def _versions(
    library: Library, taken: Sequence[Taken], outcomes: Mapping[str, tuple[str, bool]], batches: Mapping[str, Sequence[Draft]]
) -> tuple[Version, ...]:
    current, promotions = library.models.current(), library.models.promotions()
    costs, hits = defaultdict(list), defaultdict(list)
    accepted = {item.batch_id for item in taken}
    for item in taken:
        costs[item.model_id].append(item.cost)
    for batch_id in outcomes:
        drafts = batches[batch_id]
        writers = {draft.model_id for draft in drafts}
        # Of two only one can be taken, and a base that stood in had a hard chapter.
        if len(writers) == 1 and writers.issuperset(asked(drafts)):
            hits[writers.pop()].append(float(batch_id in accepted))
    named = {model_id for model_id, _, _ in promotions} | costs.keys() | hits.keys()
    return tuple(
        Version(
            model_id=model.id, role=model.role, parent_id=model.parent_id, made_at=model.created_at,
            current=current is not None and current.id == model.id,
            promotions=tuple((at, why) for model_id, at, why in promotions if model_id == model.id),
            held_out=_held_out(model), cost=mean_of(costs[model.id]), taken=mean_of(hits[model.id], share=True),
        )
        for model in library.models.all()
        if model.id in named and model.role != "reward"
    )  # fmt: skip


def _held_out(model: Model) -> Mean:
    figures = model.metrics.get("evaluation")
    if not isinstance(figures, dict) or figures.get("split") in ("train", LATER):  # what its own sources say proves little
        return Mean(0, None, None, None)
    low, high = figures["interval"] if figures["items"] > 1 else (None, None)
    return Mean(int(figures["items"]), float(figures["mean"]), low, high)


def _examples(taken: Sequence[Taken]) -> tuple[Taken, ...]:
    """Of the drafts that were changed and kept: the newest, the one changed most, the one changed least, the oldest; each once."""
    changed = [item for item in taken if item.changed and item.left]
    by_cost = sorted(changed, key=lambda item: item.cost)
    picked = [*changed[-1:], *by_cost[-1:], *by_cost[:1], *changed[:1]]
    return tuple(sorted({item.draft_id: item for item in picked}.values(), key=lambda item: item.at, reverse=True)[:EXAMPLES])
