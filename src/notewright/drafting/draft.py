"""The verb: choose highlights, write candidates in one batch, check them, store them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .. import gates, reward
from ..errors import Invalid
from ..library.database import now
from ..models import registry
from ..models.bandit import Turn
from ..models.turns import next_turn, written_by
from ..prompts import PROMPT_VERSION, Message, build_messages, prompt_id
from ..records import Draft, Finding, Model, Prompt
from ..reward.features import VERSION, measure
from ..reward.trust import allowed
from ..settings import Settings
from ..vault import build_index, repair_draft
from .choose import Option, choose, shown_count
from .engines import Candidate, Engines, Writer, affordable, engine_for, entailment, memory_watched, prompt_tokens
from .examples import retrieve_examples
from .highlights import choose_prompt

if TYPE_CHECKING:
    from ..library import Library

AUTO_EXAMPLES = 2
MAX_CANDIDATES = 16
HOTTER = 0.3  # added to the temperature when candidates come out alike


def draft(
    library: Library,
    *,
    settings: Settings,
    source: str,
    chapter: str = "",
    highlight_ids: Sequence[str] = (),
    n: int | None = None,
    written: int | None = None,
    model_id: str = "",
    temperature: float = 0.8,
    top_p: float = 0.95,
    max_new_tokens: int = 512,
    seed: int | None = None,
    instruction: str = "",
    examples: int | None = None,
    engine: Writer | None = None,
    engines: Engines | None = None,
    started: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
    on_text: Callable[[int, str], None] | None = None,
) -> list[Draft]:
    """Write `written` candidates, choose up to `n` different ones to show (see `choose`), store all, and return the shown ones, best first.

    `written` is 8 by default, 4 where writing is slow, and at least `n`; the first one written is greedy. By default the person's
    acceptance decides `n` (see `shown_count`). What was held back is stored too, with the reason in `sampling["selection"]`.

    `model_id` is a registered version. Without one the kept versions take turns (`models.bandit`): one of them writes, or in a blind duel
    two write half of the candidates each and show half each, in random order. `sampling["turn"]` says how likely that was. `examples` is
    how many of the person's passages go into the prompt (default: up to 2, as many as fit the model's context, but none for a model that
    was taught without). Without a `seed` one is drawn; it is stored either way. `engine` replaces the models' own, `engines` are kept ones.
    `started` gets who writes, once it is loaded, `progress` (tokens written, most tokens), `on_text` (candidate, its text so far) while
    they grow; a candidate's number is kept as `sampling["written"]`.

    Links and assets that neither the highlights nor the notes have are mended where there is one way to (`sampling["repairs"]` says how);
    otherwise the draft has a problem.

    Raises NotFound and Invalid as `choose_prompt` does, and Invalid for impossible sampling. Interrupted, it stores nothing.
    """
    n = shown_count(library) if n is None else n
    _check(n, written, temperature, top_p, max_new_tokens, examples)
    prompt = choose_prompt(library, source=source, chapter=chapter, highlight_ids=highlight_ids, instruction=instruction)
    rules = reward.confirmed_rules(library)
    prompt = replace(prompt, rules=tuple(rule.text for rule in rules if rule.in_prompt))
    seed = random.SystemRandom().randrange(2**31) if seed is None else seed
    turn = next_turn(library, settings=settings, seed=seed, duel=n > 1) if not model_id else Turn((model_id,), 1.0, {}, 0.0)
    models = [library.models.get(version) for version in turn.versions]
    shares = [n] if len(models) == 1 else [n - n // 2, n // 2]  # who writes first, and so shows an odd one, is chance
    sides: list[list[_Written]] = []
    before = 0
    for model, share in zip(models, shares, strict=True):
        writer: Writer = engine or (engines.get if engines else engine_for)(library, model, device=settings.device)
        if started and not sides:
            started(written_by(turn.versions))
        retrieved = retrieve_examples(library, prompt, limit=taught_examples(library, model) if examples is None else examples)
        messages = _fit(writer, prompt, retrieved, max_new_tokens if examples is None else 0)
        ask = _Ask(writer, model.id, messages, temperature, top_p, max_new_tokens, seed, progress, on_text, before)
        count = max(n, affordable(writer) if written is None else written)
        sides.append(ask.different(max(share, -(-count // len(models))), share))
        before = ask.numbered
    if len(sides) == 2:  # what both wrote tells nothing about either
        both = {item.text for item in sides[0]} & {item.text for item in sides[1]}
        apart = [[item for item in side if item.text not in both] for side in sides]
        sides = apart if all(apart) else sides[:1]
    index = build_index(settings.vault) if settings.vault and settings.vault.is_dir() else None
    known = f"{prompt.source.title}\n{prompt.source.author}\n{prompt.source.summary}"
    linked = library.notes.links()
    habits, nli = gates.habits_of(library, vault_index=index), entailment(settings)

    def check(item: _Written) -> _Checked:
        mended = repair_draft(item.candidate.text, highlights=prompt.highlights, known=known, vault_index=index, linked=linked)
        findings = gates.check(
            mended.text, highlights=prompt.highlights, vault_index=index, known=known, habits=habits, finished=item.candidate.finished,
            tokens=item.candidate.tokens, nli=nli,
        )  # fmt: skip
        findings += reward.check_rules(rules, mended.text, prompt.highlights)
        sampling = {
            "temperature": item.heat, "top_p": top_p, "max_new_tokens": max_new_tokens, "greedy": item.greedy, "written": item.number,
            "tokens": item.candidate.tokens, "finished": item.candidate.finished, "examples": (len(item.messages) - 2) // 2,
            "prompt_id": prompt_id(item.messages), "prompt_version": PROMPT_VERSION, "asked_seed": seed, "repairs": list(mended.repairs),
            "turn": turn.told(),
        }  # fmt: skip
        option = Option(
            text=mended.text, row=measure(mended.text, prompt.highlights, kind=prompt.source.kind),
            problems=len(gates.problems(findings)), temperature=0.0 if item.greedy else item.heat, model=item.model_id,
        )  # fmt: skip
        return _Checked(item, option, findings, sampling)

    taste, trusted = reward.taste_of(library), allowed(library, "taste", "order")
    shown: list[_Checked] = []
    hidden: list[_Checked] = []
    for side, share in zip(sides, shares, strict=False):
        checked = [check(item) for item in side]
        choice = choose(taste, [item.option for item in checked], n=share if len(sides) == 2 else n, seed=seed, trusted=trusted)
        for place, item in enumerate(checked):
            item.sampling["selection"] = choice.selection(place)
        shown += [checked[place] for place in choice.order]
        hidden += [checked[place] for place in range(len(checked)) if place not in choice.order]
    if len(sides) == 2:
        random.Random(f"order {seed}").shuffle(shown)
    hidden.sort(key=lambda item: (bool(item.option.problems), -item.sampling["selection"]["score"]))
    at = now()
    with library.db.write():
        batch_id = library.drafts.new_batch()
        drafts = library.drafts.add(
            Draft(
                id="", batch_id=batch_id, source_id=prompt.source.id, chapter=prompt.chapter, model_id=item.written.model_id,
                text=item.option.text, position=position, seed=item.written.candidate.seed, created_at=at,
                messages=tuple(item.written.messages), sampling=item.sampling, shown=position < len(shown),
                problems=gates.problems(item.findings), highlight_ids=tuple(highlight.id for highlight in prompt.highlights),
                findings=item.findings,
            )
            for position, item in enumerate([*shown, *hidden])
        )  # fmt: skip
        rows = {draft.id: item.option.row for draft, item in zip(drafts, [*shown, *hidden], strict=True)}
        library.measures.put(rows, version=VERSION)  # so that a click need not measure
    return [draft for draft in drafts if draft.shown]


@dataclass(frozen=True, slots=True)
class _Written:
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


@dataclass(frozen=True, slots=True)
class _Checked:
    written: _Written
    option: Option
    findings: tuple[Finding, ...]
    sampling: dict[str, Any]


@dataclass(slots=True)
class _Ask:
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

    def different(self, count: int, wanted: int) -> list[_Written]:
        """The first of every text among `count`; with fewer than `wanted`, that many more are written, hotter."""
        items = _different(self._write(count, self.temperature, 0))
        if len(items) < wanted:
            items = _different([*items, *self._write(wanted - len(items), self.temperature + HOTTER, count)])
        return items

    def _write(self, count: int, heat: float, first: int) -> list[_Written]:
        progress, on_text, before = self.progress, self.on_text, self.numbered
        with memory_watched():
            items = self.writer.generate(
                self.messages, n=count, temperature=heat, top_p=self.top_p, max_new_tokens=self.max_new_tokens, seed=self.seed + first,
                greedy_first=not first, on_token=(lambda written, _: progress(written, self.max_new_tokens)) if progress else None,
                on_text=(lambda candidate, text: on_text(before + candidate, text)) if on_text else None,
            )  # fmt: skip
        self.numbered += len(items)
        return [_Written(before + place, item, heat, not first + place, self.model_id, self.messages) for place, item in enumerate(items)]


def taught_examples(library: Library, model: Model) -> int:
    """How many examples a prompt should carry: what proved better on held-out work, else what most of the model's own training prompts
    could carry, else (a plain base) the usual."""
    proven = model.metrics.get("examples")
    if isinstance(proven, bool):
        return AUTO_EXAMPLES if proven else 0
    for version in registry.lineage(library, model):
        if version.dataset_id and (dataset := library.datasets.get(version.dataset_id)).kind == "sft":
            parameters = dataset.manifest["parameters"]
            assert isinstance(parameters, dict)
            return int(parameters["max_examples"]) if float(parameters["examples"]) >= 0.5 else 0
    return AUTO_EXAMPLES


def _check(n: int, written: int | None, temperature: float, top_p: float, max_new_tokens: int, examples: int | None) -> None:
    problems = []
    if not 1 <= n <= MAX_CANDIDATES:
        problems.append(f"n must lie between 1 and {MAX_CANDIDATES}, not {n}")
    if written is not None and not 1 <= written <= MAX_CANDIDATES:
        problems.append(f"the number written must lie between 1 and {MAX_CANDIDATES}, not {written}")
    if not 0 <= temperature <= 3:
        problems.append(f"temperature must lie between 0 and 3, not {temperature}")
    if not 0 < top_p <= 1:
        problems.append(f"top_p must lie above 0 and up to 1, not {top_p}")
    if max_new_tokens < 1:
        problems.append(f"max_new_tokens must be at least 1, not {max_new_tokens}")
    if examples is not None and examples < 0:
        problems.append(f"examples must not be negative, not {examples}")
    if problems:
        raise Invalid("; ".join(problems), "Leave an option away for its default.", problems)


def _fit(writer: Writer, prompt: Prompt, retrieved: Sequence[tuple[Prompt, str]], reserve: int) -> list[Message]:
    """Messages with as many examples as leave `reserve` tokens of the context for the note; the least alike goes first."""
    messages = build_messages(prompt, retrieved)
    context = getattr(writer, "context", 0)
    dropped = 0
    while context and reserve and dropped < len(retrieved) and prompt_tokens(writer, messages) + reserve > context:
        dropped += 1
        messages = build_messages(prompt, retrieved[dropped:])
    return messages


def _different(written: Sequence[_Written]) -> list[_Written]:
    """The first of every text, white space at its ends aside."""
    first: dict[str, _Written] = {}
    for item in written:
        first.setdefault(item.text, item)
    return list(first.values())
