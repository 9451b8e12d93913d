"""Versions asked for candidates: which prompts they get, and what they write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import Invalid
from ..library.examples import CHANGED, NOTICED
from ..library.products import ASKED
from ..models import registry
from ..models.room import is_full
from ..prompts import build_messages
from ..records import Highlight, Model, Prompt
from ..text import count
from ..writing import Part, Way, join, put_together, way_of
from .engines import Candidate, Writer, affordable, memory_watched
from .examples import retrieve_examples

if TYPE_CHECKING:
    from ..library import Library

AUTO_EXAMPLES = 2
HOTTER = 0.3  # added to the temperature when candidates come out alike


@dataclass(frozen=True, slots=True)
class Written:
    """`number` counts the batch's candidates; the first one of every version is `greedy`. `full`: cut off where the model sees no more."""

    number: int
    candidate: Candidate
    heat: float
    greedy: bool
    model_id: str
    way: Way
    full: bool

    @property
    def text(self) -> str:
        return self.candidate.text.strip()


@dataclass(frozen=True, slots=True)
class Joined:
    """A candidate of several parts."""

    text: str
    tokens: int
    finished: bool
    seed: int


@dataclass(slots=True)
class Asking:
    """What versions are asked for one batch. The next candidate gets the number `numbered`; `started` is called before the first one.
    `faults` counts what is wrong with what was written of some highlights."""

    library: Library
    prompt: Prompt
    engine: Callable[[Model], Writer]
    faults: Callable[[Candidate, Sequence[Highlight]], int]
    examples: int | None
    temperature: float
    top_p: float
    max_new_tokens: int | None
    seed: int
    started: Callable[[], None] | None = None
    progress: Callable[[int, int], None] | None = None
    on_text: Callable[[int, str], None] | None = None
    numbered: int = 0

    def candidates(self, model: Model, *, shown: int, count: int | None = None, writers: int = 1) -> list[Written]:
        """The first of every text among `count` (by default what is affordable), or a version's part of them, but at least `shown`;
        with fewer than these, that many more are written, hotter.

        Where the base is small, and the version was not taught with some of the prompt's rules, half are written without these.
        """
        writer, told = self.engine(model), self.prompt.rules
        retrieved = retrieve_examples(
            self.library, self.prompt, limit=taught_examples(self.library, model) if self.examples is None else self.examples
        )
        ways = [self._way(writer, self.prompt, retrieved)]
        learnt = taught_rules(self.library, model) if told and shown > 1 and getattr(writer, "misreads", False) else told
        taught = tuple(text for text in told if text in learnt)
        if taught != told:
            ways.append(self._way(writer, replace(self.prompt, rules=taught), retrieved))
        count = max(shown, -(-(affordable(writer) if count is None else count) // writers))
        written: list[Written] = []
        for place, way in enumerate(ways):
            written += self._write(writer, model, way, count // len(ways) + (place < count % len(ways)))
        items = _different(written)
        if len(items) < shown:
            more = self._write(writer, model, ways[0], shown - len(items), heat=HOTTER, first=count)
            items = _different([*items, *more])
        return items

    def otherwise(self, model: Model, written: Sequence[Written], count: int) -> list[Written]:
        """As many candidates for the same prompt with examples, where the `written` ones had none, or without, where they had some."""
        writer, had = self.engine(model), written[0].way.examples
        way = self._way(writer, self.prompt, [] if had else retrieve_examples(self.library, self.prompt))
        return _different(self._write(writer, model, way, count)) if way.examples != had else []

    def _way(self, writer: Writer, prompt: Prompt, retrieved: Sequence[tuple[Prompt, str]]) -> Way:
        messages = build_messages(prompt, retrieved)
        way = way_of(writer, messages, longest=self.max_new_tokens, required=self.examples is not None)
        for part in way.parts:
            self._need_room(writer, part)
        return way

    def _need_room(self, writer: Writer, part: Part) -> None:
        """Raises Invalid where the engine will, before anything is begun, with the ways out that this source has."""
        try:
            if require := getattr(writer, "require_room", None):  # a remote one knows best
                require(part.messages, part.longest)
        except Invalid as full:
            source, number = self.prompt.source, len(self.prompt.highlights)
            several = len({item.chapter for item in self.prompt.highlights}) > 1
            ways = ["name one chapter (--chapter)"] if several else []
            ways += [f"choose some of the highlights (--highlights, numbers in: notewright sources {source.id})"] if number > 1 else []
            ways += ["ask for fewer examples"] if self.examples else []
            ways += ["take a base with a longer context (notewright bases)"]
            hint = ", or ".join(ways)
            said = f"{full.message[0].lower()}{full.message[1:]}"
            raise Invalid(
                f"The {count(number, 'highlight')} of {source.title!r} leave no room for a note: {said}", f"{hint[0].upper()}{hint[1:]}."
            ) from full

    def _write(self, writer: Writer, model: Model, way: Way, count: int, *, heat: float = 0.0, first: int = 0) -> list[Written]:
        """`count` candidates, the first one greedy unless some were written before (`first` of them)."""
        before, heat = self.numbered, self.temperature + heat
        if self.started and not before:
            self.started()
        parts: list[Sequence[Candidate]] = []
        seen = 0
        for part in way.parts:
            at_token, at_text = self._telling(way, parts)
            with memory_watched():
                items = writer.generate(
                    part.messages, n=count, temperature=heat, top_p=self.top_p, max_new_tokens=part.longest, seed=self.seed + first,
                    greedy_first=not first, on_token=at_token, on_text=at_text,
                )  # fmt: skip
            highlights = self.prompt.highlights[seen : seen + part.highlights]
            seen += part.highlights
            parts.append(items if len(way.parts) == 1 else _swapped(items, [self.faults(item, highlights) for item in items]))
        written = []
        for place, items in enumerate(zip(*parts, strict=False)):  # a remote one may write fewer
            full = any(
                not item.finished and is_full(writer, part.messages, item.tokens, part.longest)
                for part, item in zip(way.parts, items, strict=True)
            )
            written.append(Written(before + place, _joined(items, self.seed + first + place), heat, not first + place, model.id, way, full))
        self.numbered += len(written)
        return written

    def _telling(
        self, way: Way, before: Sequence[Sequence[Candidate]]
    ) -> tuple[Callable[[int, int], None] | None, Callable[[int, str], None] | None]:
        """What is told of the next part as it grows: as many tokens and words more than those `before` it."""
        progress, on_text, numbered = self.progress, self.on_text, self.numbered
        done, texts = sum(part.longest for part in way.parts[: len(before)]), [[item.text for item in items] for items in before]

        def at_token(written: int, _: int) -> None:
            assert progress
            progress(done + written, way.longest)

        def at_text(candidate: int, text: str) -> None:
            assert on_text
            on_text(numbered + candidate, join([*(part[candidate] for part in texts if candidate < len(part)), text]))

        return at_token if progress else None, at_text if on_text else None


def _swapped(items: Sequence[Candidate], faults: Sequence[int]) -> list[Candidate]:
    """The same part of each candidate; those with more faults than need be have the next one's with the fewest instead. One bad part in
    five would spoil most candidates."""
    fewest = [place for place, wrong in enumerate(faults) if wrong == min(faults)]
    return [items[next((other for other in fewest if other >= place), fewest[0])] for place in range(len(items))]


def _joined(items: Sequence[Candidate], seed: int) -> Candidate:
    return items[0] if len(items) == 1 else Joined(*put_together(items), seed)


def taught_examples(library: Library, model: Model) -> int:
    """How many examples a prompt should carry: what proved better on held-out work, else what most of the model's own training prompts
    could carry, else (a plain base) the usual. Where the person changed since, the usual in any case: the newest passages tell what no
    version learnt."""
    if library.db.get_state(CHANGED) and _settled(library, model) < library.db.get_state(NOTICED):
        return AUTO_EXAMPLES
    proven = model.metrics.get("examples")
    if isinstance(proven, bool):
        return AUTO_EXAMPLES if proven else 0
    for version in registry.lineage(library, model):
        if version.dataset_id and (dataset := library.datasets.get(version.dataset_id)).kind == "sft":
            parameters = dataset.manifest["parameters"]
            assert isinstance(parameters, dict)
            return int(parameters["max_examples"]) if float(parameters["examples"]) >= 0.5 else 0
    return AUTO_EXAMPLES


def _settled(library: Library, model: Model) -> str:
    """How new what tells is how this version is best asked: the held-out work that it was measured on, else what it was taught by."""
    if measured := model.metrics.get(ASKED):
        return str(measured)
    datasets = (library.datasets.get(version.dataset_id) for version in registry.lineage(library, model) if version.dataset_id)
    return next((dataset.created_at for dataset in datasets if dataset.kind == "sft"), model.created_at)


def taught_rules(library: Library, model: Model) -> tuple[str, ...]:
    """The rules that stood in training prompts of this version."""
    for version in registry.lineage(library, model):
        if version.dataset_id and (dataset := library.datasets.get(version.dataset_id)).kind == "sft":
            rules, parameters = dataset.manifest.get("rules", []), dataset.manifest["parameters"]
            assert isinstance(rules, list)
            assert isinstance(parameters, dict)
            return tuple(map(str, rules)) if parameters.get("told") else ()  # without: made before rules stood in training prompts
    return ()


def _different(written: Sequence[Written]) -> list[Written]:
    """The first of every text, white space at its ends aside."""
    first: dict[str, Written] = {}
    for item in written:
        first.setdefault(item.text, item)
    return list(first.values())
