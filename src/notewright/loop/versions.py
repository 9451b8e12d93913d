"""Two versions side by side: what each writes, greedily, from the same highlights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ..drafting import Engines, choose_prompt, memory_watched
from ..errors import Invalid
from ..evaluation import held_out
from ..library.examples import chapters
from ..models import registry
from ..models.room import longest_note
from ..prompts import Message, build_messages
from ..records import Model
from ..settings import Settings
from ..text import count, edit_distance

if TYPE_CHECKING:
    from ..library import Library


@dataclass(frozen=True, slots=True)
class Asked:
    """What both versions are to write about. `passage` is the person's own (empty for highlights without a note yet)."""

    source_id: str
    source_title: str
    chapter: str
    note_path: str
    highlight_ids: tuple[str, ...]
    passage: str


@dataclass(frozen=True, slots=True)
class Beside(Asked):
    """One prompt and both drafts.

    `between` is the edit distance of the drafts, `before_distance` and `after_distance` each one's from the passage (None without one).
    """

    before: str
    after: str
    between: float
    before_distance: float | None
    after_distance: float | None


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """`before` and `after` are the versions' ids."""

    before: str
    after: str
    items: tuple[Beside, ...]


_Task = tuple[list[Message], Asked]


def diff_versions(
    library: Library,
    *,
    settings: Settings,
    before: str,
    after: str,
    source: str = "",
    chapter: str | None = None,
    limit: int = 3,
    max_new_tokens: int | None = None,
    engines: Engines | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> VersionDiff:
    """What versions `before` and `after` write for a source (or chapter), else for up to `limit` held-out passages, longest first, of those
    whose prompts both can read.

    Same prompt without examples, no chance; at most `max_new_tokens`, by default what the highlights ask for. `engines` are kept ones;
    `progress` gets (drafts written, in all) and is called at every token; what it raises stops the writing. Raises NotFound and Invalid as
    the registry, `choose_prompt` and `evaluate` do, and Invalid before anything is written where a prompt leaves one of them no room for a
    note.
    """
    if chapter is not None and not source:
        raise Invalid(f"A chapter is named, {chapter!r}, and no source.", "Name the source that has it, too.")
    models = [_writer(library, model_id) for model_id in (before, after)]
    if before == after:
        raise Invalid(f"{before} is the same on both sides.", "Name two versions: notewright models list")
    if limit < 1:
        raise Invalid(f"The number of passages must be at least 1, not {limit}.", "Leave it out for the usual.")
    tasks = [_named(library, source, chapter)] if source else _held_out(library)
    held = engines or Engines()
    for model in reversed(models):  # the first one's base is loaded when it begins to write
        tasks = _with_room(library, held.get(library, model, device=settings.device), model, tasks, max_new_tokens)
    tasks = tasks[:limit]
    texts: list[list[str]] = []
    for turn, model in enumerate(models):
        writer = held.get(library, model, device=settings.device)
        texts.append([])
        for place, (messages, _) in enumerate(tasks):
            done = turn * len(tasks) + place

            def at_token(_: int, __: int, done: int = done) -> None:
                if progress:
                    progress(done, 2 * len(tasks))

            with memory_watched():
                written = writer.generate(
                    messages, n=1, temperature=0.0, top_p=1.0, max_new_tokens=max_new_tokens or longest_note(writer, messages), seed=0,
                    greedy_first=True, on_token=at_token, on_text=None,
                )[0]  # fmt: skip
            texts[-1].append(written.text)
    return VersionDiff(before, after, tuple(_beside(*item) for item in zip([asked for _, asked in tasks], *texts, strict=True)))


def _writer(library: Library, model_id: str) -> Model:
    model = library.models.get(model_id)
    registry.require_writer(model)
    registry.require_files(library, model)
    return model


def _named(library: Library, source: str, chapter: str | None) -> _Task:
    prompt = choose_prompt(library, source=source, chapter=chapter)
    ids = tuple(item.id for item in prompt.highlights)
    return build_messages(prompt), Asked(prompt.source.id, prompt.source.title, prompt.chapter, "", ids, "")


def _held_out(library: Library) -> list[_Task]:
    _, rows = held_out(library)
    rows.sort(key=lambda row: -len(row["completion"][0]["content"]))
    return [
        (row["prompt"], Asked(
            row["source_id"], library.sources.get(row["source_id"]).title, library.sources.highlight(row["highlight_ids"][0]).chapter,
            row["note_path"], tuple(row["highlight_ids"]), row["completion"][0]["content"],
        ))
        for row in rows
    ]  # fmt: skip


def _with_room(library: Library, writer: object, model: Model, tasks: Sequence[_Task], wanted: int | None) -> list[_Task]:
    """Those that this version can read and has room to write of; Invalid, with the ways out that there are, where none is left."""
    require = getattr(writer, "require_room", None)  # a remote one knows best
    left: list[_Task] = []
    said = ""
    for messages, asked in tasks:
        try:
            if require:
                require(messages, wanted or longest_note(writer, messages))
            left.append((messages, asked))
        except Invalid as full:
            said = f"{full.message[0].lower()}{full.message[1:]}"
    if left:
        return left
    asked = tasks[0][1]
    if asked.passage:
        raise Invalid(
            f"No held-out passage leaves {model.id} room for a note: {said}", "Name a source with fewer highlights: --source TITLE"
        )
    several = not asked.chapter and sum(map(bool, chapters(library, asked.source_id))) > 1
    raise Invalid(
        f"The {count(len(asked.highlight_ids), 'highlight')} of {asked.source_title!r} leave {model.id} no room for a note: {said}",
        "Name one chapter (--chapter)." if several else "Name one with fewer (--source), or none for held-out passages.",
    )


def _beside(asked: Asked, before: str, after: str) -> Beside:
    def from_own(text: str) -> float | None:
        return edit_distance(text.strip(), asked.passage.strip()) if asked.passage else None

    return Beside(
        **asdict(asked), before=before, after=after, between=edit_distance(before.strip(), after.strip()),
        before_distance=from_own(before), after_distance=from_own(after),
    )  # fmt: skip
