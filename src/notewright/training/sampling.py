"""What the model in training writes: drafts for its own negatives, and held-out passages to measure it by.

transformers' own batched generation on the model that is being trained, adapters as they are. Several prompts are written side by side,
padded on the left; a seed gives the same drafts for the same prompts in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import torch

from ..models import chat
from ..text import edit_distance
from .session import Session

SLACK = 1.3  # a draft may be so many times as long as the person's passage
LEAST = 16
SIDE_BY_SIDE = 8


@torch.no_grad()
def write(
    session: Session, prompts: Sequence[list[int]], longest: Sequence[int], *, temperature: float = 0.0, top_p: float = 1.0, seed: int = 0
) -> list[list[int]]:
    """One draft for each prompt, as token ids, the turn's end included where the draft came to its end; at temperature 0 the greedy one."""
    stops = chat.stop_tokens(session.tokenizer, session.model.generation_config.eos_token_id)
    end = chat.turn_end(session.tokenizer)
    sampling: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    if temperature > 0:
        sampling = {"do_sample": True, "temperature": temperature, "top_p": top_p, "top_k": 0}
    was = session.model.training
    session.model.eval()
    threads = torch.get_num_threads()
    found: list[list[int]] = [[] for _ in prompts]
    order = sorted(range(len(prompts)), key=lambda place: (len(prompts[place]), place))
    for start in range(0, len(order), SIDE_BY_SIDE):
        part = order[start : start + SIDE_BY_SIDE]
        width = max(len(prompts[place]) for place in part)
        pad = session.tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (width - len(prompts[place])) + prompts[place] for place in part])
        mask = torch.tensor([[0] * (width - len(prompts[place])) + [1] * len(prompts[place]) for place in part])
        torch.manual_seed(seed * 1_000_003 + start)
        written = session.model.generate(
            input_ids=ids.to(session.device), attention_mask=mask.to(session.device), max_new_tokens=max(longest[place] for place in part),
            eos_token_id=sorted(stops), pad_token_id=pad, use_cache=True, **sampling,
        )[:, width:].tolist()  # fmt: skip
        for place, row in zip(part, written, strict=True):
            at = next((at for at, token in enumerate(row) if token in stops), None)
            found[place] = [*row[:at], end] if at is not None and at < longest[place] else row[: longest[place]]
    torch.set_num_threads(threads)
    session.model.train(was)
    return found


def room(session: Session, prompt: Sequence[int], passage: Sequence[int]) -> int:
    """How many tokens a draft beside this passage may have."""
    return max(1, min(max(LEAST, round(SLACK * len(passage))), session.max_length - len(prompt)))


def ended(session: Session, ids: Sequence[int]) -> bool:
    """Did the draft come to its end?"""
    return bool(ids) and ids[-1] == chat.turn_end(session.tokenizer)


def text_of(session: Session, ids: Sequence[int]) -> str:
    return chat.decode(session.tokenizer, ids)


def held_out(session: Session, rows: Sequence[dict[str, Any]], most: int) -> list[tuple[list[int], list[int], str]]:
    """Up to so many (prompt ids, passage ids, passage) of held-out rows that fit, spread evenly over the file."""
    encoded = [
        (chat.encode_prompt(session.tokenizer, row["prompt"]), chat.encode_completion(session.tokenizer, text), text)
        for row in rows
        for text in [row["completion"][0]["content"]]
    ]
    usable = [item for item in encoded if len(item[0]) + len(item[1]) <= session.max_length]
    count = min(most, len(usable))
    return [usable[number * len(usable) // count] for number in range(count)]


def distance(session: Session, watched: Sequence[tuple[list[int], list[int], str]]) -> float:
    """Mean edit distance of greedy drafts to the person's passages (0 is word for word theirs)."""
    drafts = write(session, [prompt for prompt, _, _ in watched], [room(session, prompt, passage) for prompt, passage, _ in watched])
    return fmean(
        edit_distance(text_of(session, draft).strip(), passage.strip()) for draft, (_, _, passage) in zip(drafts, watched, strict=True)
    )
