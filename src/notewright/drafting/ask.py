"""One version asked for candidates: which prompt it gets, and what it writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..library.examples import CHANGED, NOTICED
from ..models import registry
from ..prompts import Message, build_messages
from ..records import Model, Prompt
from .engines import Candidate, Writer, memory_watched, prompt_tokens

if TYPE_CHECKING:
    from ..library import Library

AUTO_EXAMPLES = 2
HOTTER = 0.3  # added to the temperature when candidates come out alike


@dataclass(frozen=True, slots=True)
class Written:
    """`number` counts the batch's candidates; the first one of every version is `greedy`."""

    number: int
    candidate: Candidate
    heat: float
    greedy: bool
    model_id: str
    messages: Sequence[Message]

    @property
    def text(self) -> str:
        return self.candidate.text.strip()


@dataclass(slots=True)
class Ask:
    """What one version is asked. The next of its candidates gets the number `numbered`."""

    writer: Writer
    model_id: str
    messages: list[Message]
    temperature: float
    top_p: float
    max_new_tokens: int
    seed: int
    progress: Callable[[int, int], None] | None
    on_text: Callable[[int, str], None] | None
    numbered: int

    def different(self, ways: Sequence[list[Message]], count: int, wanted: int) -> list[Written]:
        """The first of every text among `count`, shared among the messages in `ways`; with fewer than `wanted`, that many more are
        written for the first of these, hotter."""
        written: list[Written] = []
        for place, self.messages in enumerate(ways):
            written += self._write(count // len(ways) + (place < count % len(ways)), self.temperature, 0)
        self.messages, items = ways[0], _different(written)
        if len(items) < wanted:
            items = _different([*items, *self._write(wanted - len(items), self.temperature + HOTTER, count)])
        return items

    def again(self, messages: list[Message], count: int) -> list[Written]:
        """The first of every text among `count` more candidates, for other messages; the first one is greedy."""
        self.messages = messages
        return _different(self._write(count, self.temperature, 0))

    def _write(self, count: int, heat: float, first: int) -> list[Written]:
        progress, on_text, before = self.progress, self.on_text, self.numbered
        with memory_watched():
            items = self.writer.generate(
                self.messages, n=count, temperature=heat, top_p=self.top_p, max_new_tokens=self.max_new_tokens, seed=self.seed + first,
                greedy_first=not first, on_token=(lambda written, _: progress(written, self.max_new_tokens)) if progress else None,
                on_text=(lambda candidate, text: on_text(before + candidate, text)) if on_text else None,
            )  # fmt: skip
        self.numbered += len(items)
        return [Written(before + place, item, heat, not first + place, self.model_id, self.messages) for place, item in enumerate(items)]


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
    if measured := model.metrics.get(registry.ASKED):
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


def fit_examples(writer: Writer, prompt: Prompt, retrieved: Sequence[tuple[Prompt, str]], reserve: int) -> list[Message]:
    """Messages with as many examples as leave `reserve` tokens of the context for the note; the least alike goes first."""
    messages = build_messages(prompt, retrieved)
    context = getattr(writer, "context", 0)
    dropped = 0
    while context and reserve and dropped < len(retrieved) and prompt_tokens(writer, messages) + reserve > context:
        dropped += 1
        messages = build_messages(prompt, retrieved[dropped:])
    return messages


def _different(written: Sequence[Written]) -> list[Written]:
    """The first of every text, white space at its ends aside."""
    first: dict[str, Written] = {}
    for item in written:
        first.setdefault(item.text, item)
    return list(first.values())
