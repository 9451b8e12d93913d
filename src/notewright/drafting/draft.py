"""The verb: choose highlights, write candidates in one batch, check them, store them."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .. import gates, reward
from ..errors import Invalid
from ..library.database import now
from ..models import registry
from ..prompts import PROMPT_VERSION, Message, build_messages, prompt_id
from ..records import Draft, Model, Prompt
from ..reward.features import VERSION, measure
from ..reward.trust import allowed
from ..settings import Settings
from ..vault import build_index, repair_draft
from .choose import Option, choose, shown_count
from .engines import Candidate, Writer, affordable, engine_for, entailment, memory_watched, prompt_tokens, writing_model
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
    progress: Callable[[int, int], None] | None = None,
    on_text: Callable[[int, str], None] | None = None,
) -> list[Draft]:
    """Write `written` candidates, choose up to `n` different ones to show (see `choose`), store all, and return the shown ones, best first.

    `written` is 8 by default, 4 where writing is slow, and at least `n`; the first one written is greedy. By default the person's
    acceptance decides `n` (see `shown_count`). What was held back is stored too, with the reason in `sampling["selection"]`.

    `model_id` is a registered version (default: the current one, or the plain base). `examples` is how many of the person's passages
    go into the prompt (default: up to 2, as many as fit the model's context, but none for a model that was taught without).
    Without a `seed` one is drawn; it is stored either way. `engine` replaces the model's own engine. `progress` gets (tokens written,
    most tokens), `on_text` gets (candidate, its text so far) while they grow; a candidate's number is kept as `sampling["written"]`.

    Links and assets that neither the highlights nor the notes have are mended where there is one way to (`sampling["repairs"]` says how);
    otherwise the draft has a problem.

    Raises NotFound and Invalid as `choose_prompt` does, and Invalid for impossible sampling. Interrupted, it stores nothing.
    """
    n = shown_count(library) if n is None else n
    _check(n, written, temperature, top_p, max_new_tokens, examples)
    prompt = choose_prompt(library, source=source, chapter=chapter, highlight_ids=highlight_ids, instruction=instruction)
    rules = reward.confirmed_rules(library)
    prompt = replace(prompt, rules=tuple(rule.text for rule in rules if rule.in_prompt))
    model = writing_model(library, settings, model_id)
    seed = random.SystemRandom().randrange(2**31) if seed is None else seed
    writer: Writer = engine or engine_for(library, model, device=settings.device)
    retrieved = retrieve_examples(library, prompt, limit=taught_examples(library, model) if examples is None else examples)
    messages = _fit(writer, prompt, retrieved, max_new_tokens if examples is None else 0)
    report = (lambda written, _: progress(written, max_new_tokens)) if progress else None

    def write(count: int, heat: float, first: int) -> list[tuple[int, Candidate, float]]:
        with memory_watched():
            items = writer.generate(
                messages, n=count, temperature=heat, top_p=top_p, max_new_tokens=max_new_tokens, seed=seed + first, greedy_first=not first,
                on_token=report, on_text=(lambda candidate, text: on_text(first + candidate, text)) if on_text else None,
            )  # fmt: skip
        return [(first + place, item, heat) for place, item in enumerate(items)]

    count = max(n, affordable(writer) if written is None else written)
    kept = _different(write(count, temperature, 0))
    if len(kept) < n:
        kept = _different([*kept, *write(n - len(kept), temperature + HOTTER, count)])
    index = build_index(settings.vault) if settings.vault and settings.vault.is_dir() else None
    known = f"{prompt.source.title}\n{prompt.source.author}\n{prompt.source.summary}"
    linked = library.notes.links()
    habits, nli = gates.habits_of(library, vault_index=index), entailment(settings)
    checked = []
    for number, item, heat in kept:
        mended = repair_draft(item.text, highlights=prompt.highlights, known=known, vault_index=index, linked=linked)
        findings = gates.check(
            mended.text, highlights=prompt.highlights, vault_index=index, known=known, habits=habits, finished=item.finished,
            tokens=item.tokens, nli=nli,
        )  # fmt: skip
        findings += reward.check_rules(rules, mended.text, prompt.highlights)
        sampling = {
            "temperature": heat, "top_p": top_p, "max_new_tokens": max_new_tokens, "greedy": number == 0, "written": number,
            "tokens": item.tokens, "finished": item.finished, "examples": (len(messages) - 2) // 2, "prompt_id": prompt_id(messages),
            "prompt_version": PROMPT_VERSION, "asked_seed": seed, "repairs": list(mended.repairs),
        }  # fmt: skip
        checked.append((item, mended.text, findings, sampling))
    options = [
        Option(
            text=text, row=measure(text, prompt.highlights), problems=len(gates.problems(findings)), temperature=_heat(sampling),
            model=model.id,
        )
        for _, text, findings, sampling in checked
    ]  # fmt: skip
    choice = choose(reward.taste_of(library), options, n=n, seed=seed, trusted=allowed(library, "taste", "order"))
    hidden = [index for index in range(len(options)) if index not in choice.order]
    order = [*choice.order, *sorted(hidden, key=lambda index: (bool(options[index].problems), -choice.places[index].score))]
    at = now()
    with library.db.write():
        batch_id = library.drafts.new_batch()
        drafts = library.drafts.add(
            Draft(
                id="", batch_id=batch_id, source_id=prompt.source.id, chapter=prompt.chapter, model_id=model.id, text=text,
                position=position, seed=item.seed, created_at=at, messages=tuple(messages),
                sampling={**sampling, "selection": choice.selection(index)}, shown=index in choice.order,
                problems=gates.problems(findings), highlight_ids=tuple(highlight.id for highlight in prompt.highlights), findings=findings,
            )
            for position, index in enumerate(order)
            for item, text, findings, sampling in [checked[index]]
        )  # fmt: skip
        rows = {draft.id: options[index].row for draft, index in zip(drafts, order, strict=True)}
        library.measures.put(rows, version=VERSION)  # so that a click need not measure
    return [draft for draft in drafts if draft.shown]


def _heat(sampling: dict[str, Any]) -> float:
    return 0.0 if sampling["greedy"] else float(sampling["temperature"])


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


def _different(written: Sequence[tuple[int, Candidate, float]]) -> list[tuple[int, Candidate, float]]:
    """The first of every text, white space at its ends aside."""
    first: dict[str, tuple[int, Candidate, float]] = {}
    for number, item, heat in written:
        first.setdefault(item.text.strip(), (number, item, heat))
    return list(first.values())
