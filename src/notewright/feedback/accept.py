"""Accepting a draft: into the note, and into the events, both or neither."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import vault
from ..errors import Invalid, NotewrightError, Unavailable
from ..records import Draft, Event
from ..settings import Settings
from ..text import content_hash
from .around import compare
from .backups import prune_backups
from .following import as_made
from .framing import Framed, context_of, frame
from .handover import hand_over
from .journal import recover, store, writing
from .namesakes import namesakes, refuse_namesake
from .strays import strays_of, unnamed
from .undo import note_of, undone_ids

if TYPE_CHECKING:
    from ..library import Library


@dataclass(frozen=True, slots=True)
class Accepted:
    """An insertion that was made. `events` are the edit (if the text was changed), the decision and the insertion; `diff` is unified."""

    draft_id: str
    note_path: str
    events: tuple[Event, ...]
    before_hash: str
    after_hash: str
    diff: str
    created: bool = False


def accept(
    library: Library,
    *,
    settings: Settings,
    draft_id: str,
    into: str,
    under: str | None = None,
    final_text: str | None = None,
    expected_hash: str | None = None,
    force: bool = False,
    broken: Sequence[str] = (),
    seconds: float | None = None,
    template: str | None = None,
) -> Accepted:
    """Insert a draft into the note `into` (made if it does not exist), at the end of the section `under` or of the note.

    `final_text` is the person's own version of the draft: it is inserted instead and recorded as an edit. `expected_hash`
    (`text.content_hash` of the note as the person saw it) refuses with Conflict if the note changed since. The earlier note is kept in
    the home's backups. A new note is framed by `template` (default: the one of the settings; empty: none), with the draft at its
    `{{draft}}`, or under `under`. A note that is open in an Obsidian with the plugin is written by that one (`handover`).

    Raises Invalid for a draft with problems or one that is already in a note, unless `force`; with or without it for a draft with a link
    or asset that leads nowhere now and is not named in `broken`; for a new note, told by its name alone, of which there is one in a folder
    (who gives `expected_hash` has seen that in the preview); and whatever `vault.insert` raises. In all these cases neither the note
    nor the library is changed.
    """
    recover(library)
    draft = library.drafts.get(draft_id)
    text = draft.text if final_text is None else final_text
    if expected_hash is None:
        refuse_namesake(library, settings, into)
    strays = strays_of(library, settings=settings, draft=draft, text=text)
    refuse = partial(_refuse, library, draft, edited=final_text is not None, force=force, strays=strays, broken=broken)
    framed = _framed(library, settings, draft, text, into, under, template)
    if not (force or framed) and library.editors.connected():
        shown = preview(library, settings=settings, draft_id=draft_id, into=into, under=under, final_text=final_text)
        if not shown.created and expected_hash in (None, "", shown.before_hash):
            refuse()
            body = {**asdict(shown), "final_text": final_text, "seconds": seconds}
            if hand_over(library, settings=settings, draft_id=draft_id, note_path=shown.note_path, body=body):
                made = _standing(library, draft_id)[-1]
                return _accepted(draft_id, as_made(library, made), [*_events(library, made), made])
    about: dict[str, Any] = {"draft_id": draft_id, "under": under or "", "forced": force, "final_text": final_text, "seconds": seconds}
    if strays:
        about["broken"] = [reason for reason, _ in strays]
    if framed:
        about["passage"] = list(framed.bytes)
    insertion: vault.Insertion | None = None
    with writing(library, "accept", about) as begin:
        try:
            with library.db.write():
                refuse()  # under the lock: of two that accept the same draft at once, one inserts it
                insertion = vault.insert(
                    settings, into, framed.text if framed else text, under=None if framed else under,
                    expected_hash=expected_hash or (content_hash(b"") if framed else None),  # framed, it may only make a new note
                    backups=library.home / "backups" / "notes", before_write=begin,
                )  # fmt: skip
                events = store(library, insertion, **about)
        except BaseException:
            if insertion:
                _take_back(insertion)
            raise
    prune_backups(library, settings=settings)
    _compare(library, settings, events)
    return _accepted(draft_id, insertion, events)


def _take_back(insertion: vault.Insertion) -> None:
    """Of what the library could not store."""
    try:
        vault.undo(insertion)
    except NotewrightError as error:
        hint = "Leave it there: it is recorded at the next start, once the disk can be written."
        raise Unavailable(f"{insertion.note_path} has the draft, which could not be recorded. {error.message}", hint) from error


def _compare(library: Library, settings: Settings, events: Sequence[Event]) -> None:
    """Notes that have the text already. The draft stands, whatever comes of this."""
    with suppress(NotewrightError):
        compare(library, settings, events[-1].id)


def _framed(
    library: Library,
    settings: Settings,
    draft: Draft,
    text: str,
    into: str,
    under: str | None,
    template: str | None,
    seen: vault.Seen | None = None,
) -> Framed | None:
    """The whole new note, where a template is asked for or set; None for a note that exists, which is never made over."""
    name = settings.template if template is None else template
    if not name:
        return None
    if seen.text is not None if seen else vault.look(settings, into).exists:
        if template:
            raise Invalid(f"{into} exists; a template is for new notes.", "Leave --template out, or name a new note.")
        return None
    found = vault.get_template(settings, name)
    when = datetime.now().astimezone()
    return frame(found.text, text, title=Path(into).name.removesuffix(".md"), context=context_of(library, draft), when=when, under=under)


def record_insertion(
    library: Library,
    *,
    settings: Settings,
    draft_id: str,
    note_path: str,
    start: int,
    inserted: str,
    under: str | None = None,
    created: bool = False,
    final_text: str | None = None,
    seconds: float | None = None,
    passage: Sequence[int] | None = None,
    seen: str | None = None,
    order: int | None = None,
) -> Accepted:
    """Record an insertion that the plugin has made after a `preview`: the note must hold `inserted`, at byte `start` or elsewhere once.

    From then on it is as if `accept` had made it: it can be undone, and later edits are followed. Sent again, it is recorded once.
    `passage` is where in `inserted` the draft stands (bytes), where a template framed it. `seen` is the note as the plugin left it, which
    counts where this machine does not have that note; `order` is the one of `hand_over` that this fulfils. Raises Conflict where the
    saved note does not hold the text (yet), NotFound for an unknown draft, and what `vault.insert` raises for a place outside the vault.
    """
    recover(library)
    draft = library.drafts.get(draft_id)
    with library.db.write():
        if order:
            library.editors.move(order, "taken", "done")
        insertion = vault.recognise(
            settings, note_path, start=start, inserted=inserted, created=created, backups=library.home / "backups" / "notes", seen=seen
        )
        for event in _standing(library, draft_id):
            known = as_made(library, event)
            if known.note_path == insertion.note_path and known.inserted == insertion.inserted:
                return _accepted(draft_id, known, [event])
        more: dict[str, Any] = {"passage": list(passage)} if passage else {}
        events = store(
            library, insertion, draft_id=draft_id, under=under or "", forced=bool(draft.problems) and final_text is None,
            final_text=final_text, seconds=seconds, via="plugin", **more,
        )  # fmt: skip
    _compare(library, settings, events)
    return _accepted(draft_id, insertion, events)


def _accepted(draft_id: str, insertion: vault.Insertion, events: Sequence[Event]) -> Accepted:
    return Accepted(
        draft_id=draft_id, note_path=insertion.note_path, events=tuple(events), before_hash=insertion.before_hash,
        after_hash=insertion.after_hash, diff=_diff(insertion), created=insertion.created,
    )  # fmt: skip


def _standing(library: Library, draft_id: str) -> list[Event]:
    """Insertions of a draft that were not undone, oldest first."""
    undone = undone_ids(library)
    return [event for event in library.events.all("insertion", subject=draft_id) if event.id not in undone]


def _insertion(event: Event) -> vault.Insertion:
    table: Any = event.payload["insertion"]
    return vault.Insertion(**table)


def _events(library: Library, insertion: Event) -> list[Event]:
    """What was stored along with an insertion."""
    beside: Any = insertion.payload["with"]
    return [event for event in library.events.all("edit", "decision", subject=insertion.subject) if event.id in beside]


def _refuse(library: Library, draft: Draft, *, edited: bool, force: bool, strays: Sequence[vault.Stray], broken: Sequence[str]) -> None:
    for event in _standing(library, draft.id) if not force else ():
        hint = "Take it back with notewright undo, or insert it again with --force."
        raise Invalid(f"{draft.id} is already in {note_of(library, event)}.", hint)
    if left := unnamed(strays, broken):
        reasons = [reason for reason, _ in left]
        options = " ".join(f"--broken {shlex.quote(target)}" for _, target in left)
        raise Invalid(f"{draft.id} leads nowhere: {'; '.join(reasons)}.", f"Edit it first; or let it stand by name: {options}", reasons)
    held = [reason for reason in draft.problems if reason not in {known for known, _ in strays}]
    if held and not edited and not force:
        raise Invalid(f"{draft.id} has problems: {'; '.join(held)}.", "Edit it first, choose another draft, or add --force.", held)


@dataclass(frozen=True, slots=True)
class Preview:
    """What `accept` would do to the note now. `before_hash` is the `expected_hash` that lets exactly this happen; `diff` is unified.

    `inserted` is what is added, its surrounding newlines included, after byte `start` of the note; the draft is at its bytes `passage`.
    `broken` says of each link and asset that leads nowhere why; `accept` takes it only by name. `namesakes` are notes of the same name in
    other folders, where this one would be made.
    """

    draft_id: str
    note_path: str
    under: str
    before_hash: str
    after_hash: str
    diff: str
    inserted: str
    start: int
    created: bool
    passage: tuple[int, int]
    broken: tuple[str, ...] = ()
    namesakes: tuple[str, ...] = ()


def preview(
    library: Library,
    *,
    settings: Settings,
    draft_id: str,
    into: str,
    under: str | None = None,
    final_text: str | None = None,
    template: str | None = None,
    seen: vault.Seen | None = None,
) -> Preview:
    """The change that `accept` would make, without making it, to the note on the disk or as another program has `seen` it.

    Raises what `vault.plan` raises, and Invalid for a bad template.
    """
    draft = library.drafts.get(draft_id)
    text = draft.text if final_text is None else final_text
    framed = _framed(library, settings, draft, text, into, under, template, seen)
    planned = vault.plan(settings, into, framed.text if framed else text, under=None if framed else under, seen=seen)
    before, added = planned.before or b"", planned.inserted
    passage = framed.bytes if framed else (len(added) - len(added.lstrip(b"\r\n")), len(added.rstrip(b"\r\n \t")))
    return Preview(
        draft_id=draft_id, note_path=planned.note_path, under=under or "", before_hash=content_hash(before),
        after_hash=content_hash(planned.after), diff=_unified(planned.note_path, before, planned.after, created=planned.before is None),
        inserted=added.decode("utf-8"), start=planned.start, created=planned.before is None, passage=passage,
        broken=tuple(reason for reason, _ in strays_of(library, settings=settings, draft=draft, text=text)),
        namesakes=namesakes(library, settings, planned.note_path) if planned.before is None else (),
    )  # fmt: skip


def _diff(insertion: vault.Insertion) -> str:
    """Empty where there is no copy of the earlier note, as on another machine."""
    after = vault.written(insertion)
    if after is None:
        return ""
    before = after[: insertion.start] + after[insertion.start + len(insertion.inserted.encode()) :]
    return _unified(insertion.note_path, b"" if insertion.created else before, after, created=insertion.created)


def _unified(name: str, before: bytes, after: bytes, *, created: bool) -> str:
    """A last line that gets the newline it lacked reads as unchanged: its words are."""
    texts = (data.decode("utf-8-sig").replace("\r\n", "\n") for data in (before, after))
    old, new = (text.removesuffix("\n").split("\n") if text else [] for text in texts)
    lines = difflib.unified_diff(old, new, "/dev/null" if created else name, name, n=2, lineterm="")
    return "".join(line + "\n" for line in lines)
