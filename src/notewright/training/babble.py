"""Does a tiny base still write words that there are?

A base of a few million parameters knows hardly a word of its own: it arranges what its prompt says. Taught passages that their highlights
do not tell, it learns by heart, and makes words up (`Conplexity`, `softwarely`) wherever it is asked about something else, while loss
falls and taught passages come out well. So what it writes about highlights that taught nothing is looked at, word by word; no passage is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import torch

from ..models import chat
from ..text import UNSPACED
from . import policy, processes, sampling
from .recipes import TINY
from .session import Session

_WORD = re.compile(rf"(?:(?![{UNSPACED}])[^\W\d_]){{5,}}")
PROMPTS, EACH, LONGEST = 4, 4, 200  # prompts, drafts of each, tokens of a draft
TEMPERATURE = 0.8
MOST, LEAST = 0.04, 5  # share of the long words, and words, that may be made up; healthy trainings come to 0.01
TIMES = 3.0  # and so many times the share of before


def babbles(
    session: Session, begun: dict[str, torch.Tensor], teaching: Sequence[dict[str, Any]], unseen: Sequence[dict[str, Any]]
) -> tuple[float, float] | None:
    """(Share of made-up words before, now) where a tiny base makes up many more than with the weights it `begun` with, else None.

    `teaching` and `unseen` are rows with `prompt` and, those that teach, `completion`. The session's weights stay as they are.
    """
    asked = [
        (row["prompt"], ids) for row in unseen if len(ids := chat.encode_prompt(session.tokenizer, row["prompt"])) < session.max_length
    ]
    asked = asked[:: max(1, len(asked) // PROMPTS)][:PROMPTS]
    if session.parameters > TINY or not asked:
        return None
    known = words(message["content"] for row in teaching for message in (*row["prompt"], *row.get("completion", ())))
    made, said = _made_up(session, asked, known)
    found = None
    if made >= LEAST and made > MOST * said:
        now = {name: tensor.detach().clone() for name, tensor in policy.weights(session).items()}
        policy.set_weights(session, begun)
        made_before, said_before = _made_up(session, asked, known)
        policy.set_weights(session, now)
        before = made_before / max(1, said_before)
        found = (round(before, 4), round(made / said, 4)) if made / said > TIMES * before else None
    return processes.first(found)  # type: ignore[no-any-return]


def words(texts: Iterable[str]) -> set[str]:
    """The long words of scripts with spaces, in lower case."""
    return {word.casefold() for text in texts for word in _WORD.findall(text)}


def _made_up(session: Session, asked: Sequence[tuple[Any, list[int]]], known: set[str]) -> tuple[int, int]:
    """(Long words that neither the draft's prompt nor anything taught has, long words) of drafts about these prompts."""
    room = [max(1, min(LONGEST, session.max_length - len(ids))) for _, ids in asked]
    drafts = sampling.write(session, [ids for _, ids in asked], room, each=EACH, temperature=TEMPERATURE)
    made = said = 0
    for place, draft in enumerate(drafts):
        given = known | words(message["content"] for message in asked[place // EACH][0])
        found = [word.casefold() for word in _WORD.findall(sampling.text_of(session, draft))]
        found = found[:-1] if not sampling.ended(session, draft) else found  # it was cut there
        made, said = made + sum(word not in given for word in found), said + len(found)
    return made, said
