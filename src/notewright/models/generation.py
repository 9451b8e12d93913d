"""Sampling for training: every prompt is read once, and the drafts of many prompts are written side by side.

As in `engine`, each draft has its own random numbers, so that it depends on its prompt and seed; a step tries what `lookup` guesses; rows
that have ended leave the batch.
Tokens are drawn from the whole distribution (no top-p): what a policy learns from must be likely by the very distribution it learns. Only
bytes that are no part of a letter (`letters`) are left out.

Where the base is split among processes, all of them write as long as one does, each its own drafts.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch

from . import splitting
from .cache import remembers_all, roomy_cache
from .circles import Circles, due
from .letters import Letters
from .lookup import GUESSED, LONGEST_RUN, Lookup, Memory, pays

IN_A_PASS = 1024  # tokens that a processor reads at once: enough for its matrices
SPARE = 64  # places of wrong guesses that the cache may hold beside as many as there are right ones
KEPT = 0.75  # the batch shrinks when no more than this share of its rows is still being written


@torch.no_grad()
def sample(
    model: Any,
    prompts: Sequence[list[int]],
    *,
    seeds: Sequence[int],
    stops: set[int],
    pad: int,
    max_new_tokens: int,
    temperature: float | Sequence[float] = 1.0,
    letters: Letters | None = None,
    memory: Memory | None = None,
    circles: Sequence[Circles] = (),
) -> list[list[int]]:
    """Ids of `len(seeds) / len(prompts)` drafts of each prompt, by prompt; with the token in `stops` that ended it, if one did.

    At temperature 0 the likeliest token is taken; of several temperatures each of a prompt's drafts has its own. With `letters` no token is
    that would break a letter. What `memory` knows is guessed, and drafts without chance are added to it: a random number that falls between
    two tokens may tell the last digits of scores, which hang on what was guessed.
    """
    each = len(seeds) // len(prompts)
    heat = [temperature] * each if isinstance(temperature, int | float) else list(temperature)
    with splitting.gathered(model):
        return _sample(model, prompts, seeds, stops, pad, max_new_tokens, heat, letters, memory or Memory(), circles)


def _sample(
    model: Any, prompts: Sequence[list[int]], seeds: Sequence[int], stops: set[int], pad: int, max_new_tokens: int, heat: Sequence[float],
    letters: Letters | None, memory: Memory, circles: Sequence[Circles],
) -> list[list[int]]:  # fmt: skip
    together = splitting.is_split(model)
    device, each = model.device, len(heat)
    width = max(len(prompt) for prompt in prompts)
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    seen = torch.arange(width, device=device)[None] >= width - lengths[:, None]  # by each row, of the places in the cache
    cache = roomy_cache(model.config)
    apart = device.type == "cpu" and remembers_all(cache) and not together
    parts = passes([len(prompt) for prompt in prompts], IN_A_PASS) if apart else [list(range(len(prompts)))]
    scores = _read(model, prompts, parts, pad, cache)
    options: dict[str, Any] = {"past_key_values": cache, "use_cache": True}
    guessing = apart and pays("cpu", model.num_parameters())
    tried = GUESSED if guessing else 0  # a card is busy with so many rows as it is
    lookups = _lookups(memory, prompts, heat) if tried else []
    heats = torch.tensor(heat, device=device).repeat(len(prompts))
    cache.batch_repeat_interleave(each)
    scores, seen, lengths = (part.repeat_interleave(each, 0) for part in (scores, seen, lengths))
    draws = torch.stack([torch.rand(max_new_tokens, generator=torch.Generator().manual_seed(seed)) for seed in seeds]).to(device)
    ends = torch.tensor(sorted(stops), device=device)
    written = torch.full((len(seeds), max_new_tokens), pad, device=device)
    counts = torch.zeros(len(seeds), dtype=torch.long, device=device)
    rows = torch.arange(len(seeds), device=device)  # which draft each row of the batch is
    writing = torch.ones(len(seeds), dtype=torch.bool, device=device)
    begun = torch.zeros_like(counts)  # what each row's last letter still needs
    guesses, last = written.new_zeros(len(seeds), 0), written.new_zeros(len(seeds))
    most = getattr(model.config.get_text_config(), "max_position_embeddings", None) or 1 << 20
    while True:
        right, taken = writing.clone(), torch.zeros_like(last)
        for place in range(scores.shape[1]):
            now, at = scores[:, place].float(), counts[rows].clamp(max=max_new_tokens - 1)
            if letters:
                now = now + letters.masks[begun]
            last = torch.where(right, _draw(now, draws[rows, at], heats[rows]), last)
            if letters:
                begun = torch.where(right, letters.next[begun, last], begun)
            written[rows[right], at[right]] = last[right]
            counts[rows[right]] += 1
            taken += right
            writing = writing & ~(right & (torch.isin(last, ends) | (at + 1 == max_new_tokens)))
            if place == guesses.shape[1]:
                break
            right = right & writing & (guesses[:, place] == last)
            if not right.any():
                break
        if seen.shape[1] > width:  # what followed a wrong guess is hidden
            seen[:, -scores.shape[1] :] &= torch.arange(scores.shape[1], device=device) < taken[:, None]
        if circles:
            for place, (row, many, more) in enumerate(zip(rows.tolist(), counts[rows].tolist(), taken.tolist(), strict=True)):
                if (end := due(many - more, many)) and writing[place] and circles[row].found(written[row, :end].tolist()):
                    writing[place] = False
                    counts[row] = end
        left = int(writing.sum())
        if not (splitting.any_says(left > 0, device) if together else left):
            break
        if left <= KEPT * len(rows):
            kept = writing.nonzero()[:, 0] if left else rows.new_zeros(1)  # no batch is empty
            cache.batch_select_indices(kept)
            rows, last, seen, lengths, writing, begun = (part[kept] for part in (rows, last, seen, lengths, writing, begun))
        if tried and seen.shape[1] - width > 2 * int(counts[rows].max()) + SPARE:
            seen = _closed_up(cache, seen, width)
        if tried:
            guesses = _guess(lookups, written, rows, counts[rows], tried)
        asked = torch.cat([last[:, None], guesses[: len(rows)]], 1)
        seen = torch.cat([seen, seen.new_ones(asked.shape)], 1)
        at = (lengths + counts[rows])[:, None] - 1 + torch.arange(asked.shape[1], device=device)
        at = at.clamp(max=most - 1)  # what is guessed behind the last place is not kept, but some look it up
        options["logits_to_keep"] = asked.shape[1]
        scores = model(input_ids=asked, attention_mask=seen.long(), position_ids=at, **options).logits[:, -asked.shape[1] :]
    drafts = [row[:count] for row, count in zip(written.tolist(), counts.tolist(), strict=True)]
    for place, prompt in enumerate(prompts if tried else ()):
        if greedy := [draft for draft, hot in zip(drafts[place * each : (place + 1) * each], heat, strict=True) if hot <= 0]:
            memory.keep(prompt, greedy)
    return drafts


def passes(lengths: Sequence[int], most: int) -> list[list[int]]:
    """Places of rows in passes of at most `most` tokens, padding included; a longer row is one by itself."""
    found: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: lengths[place]):
        if found and lengths[place] * (len(found[-1]) + 1) <= most:
            found[-1].append(place)
        else:
            found.append([place])
    return found


def _read(model: Any, prompts: Sequence[list[int]], parts: Sequence[Sequence[int]], pad: int, cache: Any) -> torch.Tensor:
    """Read prompts into an empty `cache`, padded on the left, and return the scores of what follows, (prompts, 1, vocabulary).

    Those of a part are read together, and all are laid side by side then: attention multiplies padding like anything else."""
    if len(parts) == 1:
        return _read_together(model, prompts, pad, cache)
    width, scores = max(map(len, prompts)), dict[int, torch.Tensor]()
    laid: list[list[torch.Tensor]] = []  # keys and values by layer
    for part in parts:
        own = roomy_cache(model.config)
        scores |= zip(part, _read_together(model, [prompts[place] for place in part], pad, own), strict=True)
        states = [[layer.keys, layer.values] for layer in own.layers]
        laid = laid or [[one.new_zeros(len(prompts), one.shape[1], width, one.shape[3]) for one in both] for both in states]
        for whole, read in zip(itertools.chain(*laid), itertools.chain(*states), strict=True):
            whole[list(part), :, width - read.shape[2] :] = read
    for layer, (keys, values) in zip(cache.layers, laid, strict=True):
        layer.update(keys, values)
    return torch.stack([scores[place] for place in range(len(prompts))])


def _read_together(model: Any, prompts: Sequence[list[int]], pad: int, cache: Any) -> torch.Tensor:
    width = max(map(len, prompts))
    ids = torch.tensor([[pad] * (width - len(prompt)) + list(prompt) for prompt in prompts], device=model.device)
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=model.device)
    seen = torch.arange(width, device=model.device)[None] >= width - lengths[:, None]
    places = (seen.cumsum(1) - 1).clamp(min=0)
    told = {"attention_mask": seen.long(), "position_ids": places, "past_key_values": cache, "use_cache": True, "logits_to_keep": 1}
    scores: torch.Tensor = model(input_ids=ids, **told).logits[:, -1:]
    return scores


def _lookups(memory: Memory, prompts: Sequence[list[int]], heat: Sequence[float]) -> list[Lookup]:
    """For each draft what guesses for it; only those that leave nothing to chance look at earlier drafts."""
    found = []
    for prompt in prompts:
        kinds = {greedy: memory.lookup(prompt, drafts=greedy) for greedy in {hot <= 0 for hot in heat}}
        found += [kinds[hot <= 0] for hot in heat]
    return found


def _closed_up(cache: Any, seen: torch.Tensor, width: int) -> torch.Tensor:
    """Take what is hidden behind the prompt, `width` places, out of the cache; returns what is seen of the rest."""
    kept = seen[:, width:].sum(1)
    most = int(kept.max())
    order = seen[:, width:].byte().sort(dim=1, descending=True, stable=True).indices[:, :most]
    places = torch.cat([torch.arange(width).expand(len(seen), -1), order + width], 1)
    for layer in cache.layers:
        layer.select_places(places)
    return torch.cat([seen[:, :width], torch.arange(most) < kept[:, None]], 1)


def _guess(lookups: Sequence[Lookup], written: torch.Tensor, rows: torch.Tensor, counts: torch.Tensor, tried: int) -> torch.Tensor:
    """What may follow in each of the rows still being written, (rows, tried)."""
    ends = counts[:, None] + torch.arange(-LONGEST_RUN, 0)
    last = [end[-count:] for end, count in zip(written[rows[:, None], ends.clamp(min=0)].tolist(), counts.tolist(), strict=True)]
    return torch.tensor([lookups[row].guess(end, tried) for row, end in zip(rows.tolist(), last, strict=True)])


def _draw(scores: torch.Tensor, draws: torch.Tensor, heats: torch.Tensor) -> torch.Tensor:
    """One token a row: where its random number falls in the cumulative distribution, without temperature the likeliest."""
    likeliest, hot = scores.argmax(-1), heats > 0
    if not hot.any():
        return likeliest
    sums = torch.softmax(scores / torch.where(hot, heats, 1.0)[:, None], -1).cumsum(-1)
    drawn = torch.searchsorted(sums, (draws * sums[:, -1])[:, None], right=True)[:, 0].clamp(max=scores.shape[-1] - 1)
    return torch.where(hot, drawn, likeliest)
