"""The verb: choose highlights, write candidates in one batch, check them, store them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .. import gates, reward
from ..errors import Invalid
from ..library.database import now
from ..models import registry
from ..models.bandit import Turn
from ..models.turns import next_turn, written_by
from ..records import Draft, Model, Prompt
from ..reward.features import VERSION
from ..reward.trust import allowed
from ..settings import Settings
from .ask import Asking, Written
from .checking import Checked, Checker
from .choose import choose, disagree, shown_count
from .engines import Engines, Writer, engine_for
from .fewer import count_fewer
from .highlights import choose_prompt

if TYPE_CHECKING:
    from ..library import Library

MAX_CANDIDATES = 16
UNSURE = 0.07  # share of words in which a tuned version's candidates differ on average, above which it is also asked with examples


def draft(
    library: Library,
    *,
    settings: Settings,
    source: str,
    chapter: str | None = None,
    highlight_ids: Sequence[str] = (),
    n: int | None = None,
    written: int | None = None,
    model_id: str = "",
    temperature: float = 0.8,
    top_p: float = 0.95,
    max_new_tokens: int | None = None,
    seed: int | None = None,
    instruction: str = "",
    examples: int | None = None,
    ahead: bool = False,
    engine: Writer | None = None,
    engines: Engines | None = None,
    started: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
    on_text: Callable[[int, str], None] | None = None,
    storing: Callable[[], None] | None = None,
) -> list[Draft]:
    """Write `written` candidates, choose up to `n` different ones to show (see `choose`), store all, and return the shown ones, best first.

    `written` is 8 by default, 4 where writing is slow, and at least `n`; the first one written is greedy. By default the person's
    acceptance decides `n` (see `shown_count`). What was held back is stored too, with the reason in `sampling["selection"]`. Where fewer
    than `n` are shown, `sampling["fewer"]` counts why (see `why_fewer`).

    `model_id` is a registered version. Without one the kept versions take turns (`models.bandit`): one of them writes, or in a blind duel
    two write half of the candidates each and show half each, in random order. `sampling["turn"]` says how likely that was. `examples` is
    how many of the person's passages go into the prompt (default: up to 2, as many as fit the model's context, but none for a model that
    was taught without). Without a `seed` one is drawn; it is stored either way. `engine` replaces the models' own, `engines` are kept ones.
    `started` gets who writes, once it is loaded, `progress` (tokens written, most tokens), `on_text` (candidate, its text so far) while
    they grow; a candidate's number is kept as `sampling["written"]`. `storing` is called when all are checked; what it raises keeps them
    from being stored.

    `max_new_tokens` is by default what the highlights ask for. Where the model has no room for so long a note, it is written in parts
    (`sampling["parts"]`: highlights in each), which are put together; a part with problems is replaced by another candidate's.

    Rules stand in every prompt; see `Asking.candidates` for those that a version was not taught.

    Candidates that are alike once mended count as one. A version that writes alone is asked once more, with examples if it had none, else
    without, where problems and this leave fewer than two candidates (one, when one is to be shown), and with examples where they differ so
    much without that it must be unsure. Where problems leave too few even then, and no `model_id` says who is to write, the plain base
    stands in beside it. None of this where `examples` says how it is to be asked. A version all of whose candidates have problems `failed`
    (in `sampling["turn"]`): in a duel the other one's are shown, as far as they go. Two that wrote too much `alike` are not compared.

    Links and assets that neither the highlights nor the notes have are mended where there is one way to (`sampling["repairs"]` says how);
    otherwise the draft has a problem.

    `ahead`: nobody has asked for it yet, and no list of batches has it before somebody looks at it.

    Raises NotFound and Invalid as `choose_prompt` does, and Invalid for impossible sampling. Interrupted, it stores nothing.
    """
    n = shown_count(library) if n is None else n
    _check(n, written, temperature, top_p, max_new_tokens, examples, seed)
    prompt = choose_prompt(library, source=source, chapter=chapter, highlight_ids=highlight_ids, instruction=instruction)
    rules = reward.confirmed_rules(library)
    prompt = replace(prompt, rules=tuple(rule.text for rule in rules if rule.in_prompt))
    seed = random.SystemRandom().randrange(2**31) if seed is None else seed
    turn = next_turn(library, settings=settings, seed=seed, duel=n > 1) if not model_id else Turn((model_id,), 1.0, {}, 0.0)
    models = [library.models.get(version) for version in turn.versions]
    for model in models:
        registry.require_writer(model)
    shares = [n] if len(models) == 1 else [n - n // 2, n // 2]  # who writes first, and so shows an odd one, is chance
    held = engines.get if engines else engine_for
    check = Checker(library, settings=settings, prompt=prompt, rules=rules, asked={"top_p": top_p, "asked_seed": seed})
    asking = Asking(
        library, prompt, lambda model: engine or held(library, model, device=settings.device), check.faults, examples, temperature, top_p,
        max_new_tokens, seed, lambda: started(written_by(turn.versions)) if started else None, progress, on_text,
    )  # fmt: skip
    sides = [asking.candidates(model, shown=share, count=written, writers=len(models)) for model, share in zip(models, shares, strict=True)]
    tried = [_different(check(item) for item in side) for side in sides]
    if examples is None and len(models) == 1:
        tried[0] = _both_ways(tried[0], written=sides[0], n=n, asking=asking, model=models[0], check=check)
    tried, came_to = _sides(tried)
    if examples is None and not model_id and len(tried) == 1 and _few(tried[0], n) and len(_fit(tried[0])) < len(tried[0]):
        plain = registry.plain(library, models[0])
        if plain not in models:
            tried[0] = _different([*tried[0], *(check(item) for item in asking.candidates(plain, shown=1, count=n))])
    shown, hidden = _choose(library, tried, n=n, shares=shares, seed=seed, turn=turn.told() | came_to)
    if fewer := count_fewer(n, asking.numbered, shown, hidden):
        for item in shown:
            item.sampling["fewer"] = fewer
    if storing:
        storing()
    return _store(library, prompt, shown, hidden, ahead=ahead)


def _sides(tried: Sequence[list[Checked]]) -> tuple[list[list[Checked]], dict[str, object]]:
    """Of a duel both sides, without what both wrote, which tells nothing about either; all in one where they cannot be compared. And what
    the turn came to because of that."""
    whole = [_different(item for side in tried for item in side)]
    if failed := [side[0].written.model_id for side in tried if not _fit(side)]:
        return whole, {"failed": failed}
    if len(tried) < 2:
        return whole, {}
    both = {item.option.text for item in tried[0]} & {item.option.text for item in tried[1]}
    apart = [[item for item in side if item.option.text not in both] for side in tried]
    return (apart, {}) if all(map(_fit, apart)) else (whole, {"alike": True})


def _choose(
    library: Library, tried: Sequence[Sequence[Checked]], *, n: int, shares: Sequence[int], seed: int, turn: Mapping[str, object]
) -> tuple[list[Checked], list[Checked]]:
    """What is shown, best first or, of a duel, in random order, and what is held back. Each keeps its turn and why it is shown or not."""
    taste, trusted = reward.taste_of(library), allowed(library, "taste", "order")
    duel = len(tried) == 2
    shown: list[Checked] = []
    hidden: list[Checked] = []
    for checked, share in zip(tried, shares, strict=False):
        choice = choose(taste, [item.option for item in checked], n=share if duel else n, seed=seed, trusted=trusted)
        for place, item in enumerate(checked):
            item.sampling.update(turn=turn, selection=choice.selection(place))
        shown += [checked[place] for place in choice.order]
        hidden += [checked[place] for place in range(len(checked)) if place not in choice.order]
    if duel:
        random.Random(f"order {seed}").shuffle(shown)
    hidden.sort(key=lambda item: (bool(item.option.problems), -item.sampling["selection"]["score"]))
    return shown, hidden


def _different(checked: Iterable[Checked]) -> list[Checked]:
    """The first of every text: mending may have made two alike."""
    first: dict[str, Checked] = {}
    for item in checked:
        first.setdefault(item.option.text, item)
    return list(first.values())


def _both_ways(
    checked: Sequence[Checked], *, written: Sequence[Written], n: int, asking: Asking, model: Model, check: Callable[[Written], Checked]
) -> list[Checked]:
    """These and `n` more that were asked the other way, where problems, or mending alike what was `written` apart, leave too few to choose
    from, or where a tuned version is unsure without examples: then those of the way in which its candidates disagree more are set aside."""
    fit, few = _fit(checked), _few(checked, n) and len(_fit(checked)) < len(written)
    bare = not few and bool(model.adapter_path) and not checked[0].sampling["examples"]
    doubt = disagree([item.option.text for item in fit]) if bare else 0.0
    unsure = doubt > UNSURE
    if not few and not unsure:
        return list(checked)
    more = _different(check(item) for item in asking.otherwise(model, written, n))
    if unsure and _fit(more):
        worse = disagree([item.option.text for item in _fit(more)]) >= doubt
        aside = [replace(item, option=replace(item.option, aside=True)) for item in (more if worse else checked)]
        return _different([*checked, *aside] if worse else [*more, *aside])
    return _different([*checked, *more])


def _fit(checked: Sequence[Checked]) -> list[Checked]:
    """Those without problems."""
    return [item for item in checked if not item.option.problems]


def _few(checked: Sequence[Checked], n: int) -> bool:
    """Whether fewer than two (one, when one is to be shown) are without problems."""
    return len(_fit(checked)) < min(n, 2)


def _store(library: Library, prompt: Prompt, shown: Sequence[Checked], hidden: Sequence[Checked], *, ahead: bool) -> list[Draft]:
    """One batch of all of them, those that are shown first; returns these."""
    at, items = now(), [*shown, *hidden]
    with library.db.write():
        batch_id = library.drafts.new_batch(unseen=ahead)
        drafts = library.drafts.add(
            Draft(
                id="", batch_id=batch_id, source_id=prompt.source.id, chapter=prompt.chapter, model_id=item.written.model_id,
                text=item.option.text, position=position, seed=item.written.candidate.seed, created_at=at,
                messages=tuple(item.written.way.messages), sampling=item.sampling, shown=position < len(shown),
                problems=gates.problems(item.findings), highlight_ids=tuple(highlight.id for highlight in prompt.highlights),
                findings=item.findings,
            )
            for position, item in enumerate(items)
        )  # fmt: skip
        rows = {draft.id: item.option.row for draft, item in zip(drafts, items, strict=True)}
        library.measures.put(rows, version=VERSION)  # so that a click need not measure
    return drafts[: len(shown)]


def _check(
    n: int, written: int | None, temperature: float, top_p: float, max_new_tokens: int | None, examples: int | None, seed: int | None
) -> None:
    problems = []
    if not 1 <= n <= MAX_CANDIDATES:
        problems.append(f"n must lie between 1 and {MAX_CANDIDATES}, not {n}")
    if written is not None and not 1 <= written <= MAX_CANDIDATES:
        problems.append(f"the number written must lie between 1 and {MAX_CANDIDATES}, not {written}")
    if not 0 <= temperature <= 3:
        problems.append(f"temperature must lie between 0 and 3, not {temperature}")
    if not 0 < top_p <= 1:
        problems.append(f"top_p must lie above 0 and up to 1, not {top_p}")
    if max_new_tokens is not None and max_new_tokens < 1:
        problems.append(f"max_new_tokens must be at least 1, not {max_new_tokens}")
    if examples is not None and examples < 0:
        problems.append(f"examples must not be negative, not {examples}")
    if seed is not None and not 0 <= seed < 2**31:
        problems.append(f"the seed must lie between 0 and {2**31 - 1}, not {seed}")
    if problems:
        raise Invalid("; ".join(problems), "Leave an option out for its default.", problems)
