"""Does a tiny base still write words that there are?

A base of a few million parameters knows hardly a word of its own: it arranges what its prompt says. Taught passages that their highlights
do not tell, it learns by heart, and makes words up (`Conplexity`, `softwarely`) wherever it is asked about something else, while loss
falls and taught passages come out well. So what it writes about highlights that taught nothing is looked at, word by word; no passage is.
Asked are the prompts that steer; where there are none, those that the dataset has for this alone (`probe.jsonl`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from ..library.rows import read_rows
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
TEACHES = ("prompt", "completion", "chosen", "edited")  # a row's columns with words that are no made-up ones


def undone(session: Session, begun: dict[str, torch.Tensor], kept: str = "kept_step") -> dict[str, Any]:
    """Take a training back to the weights it `begun` with where a tiny base makes up many more words than with these, and say so; what of
    it belongs into the metrics (`kept`: their word for the state that is the result), which is nothing for a sound training."""
    if session.parameters > TINY:
        return {}
    folders = [Path(folder) for folder in (session.job.dataset_folder, *session.job.taught)]
    unseen = next((rows for name in ("valid", "probe") if (rows := read_rows(folders[0] / f"{name}.jsonl"))), [])
    asked = _asked(session, unseen)
    if not asked:
        session.reporter.warn(
            "No highlights are left that neither teach nor only measure and that a prompt has room for, so it was not looked at whether so"
            " small a base makes words up now. Import more highlights, then build the dataset again."
        )
        return {}
    found = babbles(session, begun, [row for folder in folders for row in read_rows(folder / "train.jsonl")], asked)
    if not found:
        return {}
    before, now = found
    policy.set_weights(session, begun)
    session.reporter.warn(
        f"About highlights that it was not taught, {now:.0%} of the long words were made up ({before:.0%} before), so the"
        " model writes as it did before this training: so small a base cannot learn what you write beyond your highlights."
        " Take a larger one (notewright bases), or accept pairs that stay closer to their highlights."
    )
    return {"made_up": now, "made_up_before": before, kept: 0}


Asked = Sequence[tuple[Any, list[int]]]  # prompts, and their ids


def _asked(session: Session, unseen: Sequence[dict[str, Any]]) -> Asked:
    """Some of the rows' prompts that leave room for a draft."""
    prompts = {tuple(chat.encode_prompt(session.tokenizer, row["prompt"])): row["prompt"] for row in unseen}
    fitting = [(prompt, list(ids)) for ids, prompt in prompts.items() if len(ids) < session.max_length]
    return fitting[:: max(1, len(fitting) // PROMPTS)][:PROMPTS]


def babbles(
    session: Session, begun: dict[str, torch.Tensor], teaching: Sequence[dict[str, Any]], asked: Asked
) -> tuple[float, float] | None:
    """(Share of made-up words before, now) where it makes up many more than with the weights it `begun` with, else None.

    `teaching` are rows with `prompt` and what it was answered with. The session's weights stay as they are.
    """
    known = words(message["content"] for row in teaching for name in TEACHES for message in row.get(name, ()))
    made, said = _made_up(session, asked, known)
    found = None
    if made >= LEAST and made > MOST * said:
        now = policy.copied(session)
        policy.set_weights(session, begun)
        made_before, said_before = _made_up(session, asked, known)
        policy.set_weights(session, now)
        before = made_before / max(1, said_before)
        found = (round(before, 4), round(made / said, 4)) if made / said > TIMES * before else None
    return processes.first(found)  # type: ignore[no-any-return]


def words(texts: Iterable[str]) -> set[str]:
    """The long words of scripts with spaces, in lower case."""
    return {word.casefold() for text in texts for word in _WORD.findall(text)}


def _made_up(session: Session, asked: Asked, known: set[str]) -> tuple[int, int]:
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
