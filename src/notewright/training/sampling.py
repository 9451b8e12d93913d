"""What the model in training writes: drafts for its own negatives, and held-out passages to measure it by."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from ..models import chat, splitting
from ..models.generation import sample
from ..models.letters import letters_of
from ..models.merging import merged
from ..text import edit_distance
from ..vault.pointers import stand_in
from . import processes
from .session import Session

SLACK = 1.3  # a draft may be so many times as long as the person's passage
LEAST = 16
AT_ONCE = 32  # drafts written side by side


def write(
    session: Session, prompts: Sequence[list[int]], longest: Sequence[int], *, each: int = 1,
    temperature: float | Sequence[float] = 0.0, seed: int = 0,
) -> list[list[int]]:  # fmt: skip
    """`each` drafts for each prompt, by prompt, as token ids; the turn's end is included where the draft came to its end.

    A draft has at most the prompt's `longest` tokens; at temperature 0 it is the greedy one, and `each` of a prompt's drafts may have its
    own temperature. The adapter in use writes. A draft depends on the prompt, the seed and its place only.
    """
    model = session.model
    stops = chat.stop_tokens(session.tokenizer, model.generation_config.eos_token_id)
    pad = session.tokenizer.pad_token_id
    training = model.training
    model.eval()
    found: list[list[int]] = [[] for _ in range(each * len(prompts))]
    order, size = sorted(range(len(prompts)), key=lambda place: (longest[place], place)), max(1, AT_ONCE // each)
    with merged(model):
        for start in range(0, len(order), size):
            part = order[start : start + size]
            places = [each * place + number for place in part for number in range(each)]
            written = sample(
                model.get_base_model(), [prompts[place] for place in part], seeds=[seed * 1_000_003 + place for place in places],
                stops=stops, pad=pad, max_new_tokens=max(longest[place] for place in part), temperature=temperature,
                letters=letters_of(session.tokenizer, model), memory=session.memory,
            )  # fmt: skip
            for place, row in zip(places, written, strict=True):
                found[place] = closed(session, row[: longest[place // each]], stops)
    model.train(training)
    return processes.first(found) if splitting.is_split(model) else found  # all go on with the same texts, or they would part ways


def room(session: Session, prompt: Sequence[int], passage: Sequence[int]) -> int:
    """How many tokens a draft beside this passage may have."""
    return max(1, min(max(LEAST, round(SLACK * len(passage))), session.max_length - len(prompt)))


def closed(session: Session, ids: list[int], stops: set[int]) -> list[int]:
    """A draft that came to its end, by whichever token, with the turn's end there: passages are taught with that one."""
    return [*ids[:-1], chat.turn_end(session.tokenizer)] if ids and ids[-1] in stops else ids


def ended(session: Session, ids: Sequence[int]) -> bool:
    """Did the draft come to its end?"""
    return bool(ids) and ids[-1] == chat.turn_end(session.tokenizer)


def text_of(session: Session, ids: Sequence[int]) -> str:
    return chat.decode(session.tokenizer, ids)


def held_out(session: Session, rows: Sequence[dict[str, Any]], most: int) -> list[tuple[list[int], list[int], str]]:
    """Up to so many (prompt ids, passage ids, passage) of held-out rows that fit, spread evenly over the file; the passages as they are
    taught (`stand_in`; of those that teach, what their highlights tell)."""
    encoded = [
        (chat.encode_prompt(session.tokenizer, row["prompt"]), chat.encode_completion(session.tokenizer, text), text)
        for row in rows
        for text in [stand_in(row.get("told", row["completion"][0]["content"]))]
    ]
    usable = [item for item in encoded if len(item[0]) + len(item[1]) <= session.max_length]
    count = min(most, len(usable))
    return [usable[number * len(usable) // count] for number in range(count)]


def distances(session: Session, watched: Sequence[tuple[list[int], list[int], str]]) -> list[float]:
    """Edit distance of a greedy draft to each of the person's passages (0 is word for word theirs)."""
    drafts = write(session, [prompt for prompt, _, _ in watched], [room(session, prompt, passage) for prompt, passage, _ in watched])
    return [edit_distance(text_of(session, draft).strip(), passage.strip()) for draft, (_, _, passage) in zip(drafts, watched, strict=True)]


def distance(session: Session, watched: Sequence[tuple[list[int], list[int], str]]) -> float:
    """Their mean."""
    return fmean(distances(session, watched))
