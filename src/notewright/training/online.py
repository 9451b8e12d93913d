"""What a further round of preference training learns from: the policy's own new drafts, ordered by a reward that has earned it.

For each of some past prompts the policy writes `samples` drafts; the reward's best and worst become a list, under the person's own text
where there is one. A prompt whose drafts the reward hardly tells apart teaches nothing.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from ..models import chat
from ..vault.pointers import stand_in
from . import sampling
from .recipes import DpoRecipe, SamplingRecipe
from .session import Session
from .writing import Desk

APART = 0.2  # of the reward's range (-1 to 1, less 1 where a gate blocks)


def write_and_label(session: Session, number: int) -> list[dict[str, Any]]:
    """Lists of a round: prompt ids, and the ids of its texts, the best first."""
    recipe: DpoRecipe = session.recipe
    judged_by = SamplingRecipe(
        candidates=recipe.samples, temperature=recipe.temperature, reward=recipe.reward, similarity_weight=0.0,
        max_new_tokens=min(256, session.max_length // 2), batch_size=recipe.batch_size, quantize=recipe.quantize,
    )  # fmt: skip
    desk = Desk(replace(session, recipe=judged_by))
    rng = random.Random(f"online|{recipe.seed}|{number}")
    places = sorted(rng.sample(range(len(desk.prompts)), min(recipe.prompts, len(desk.prompts))))
    first = (recipe.seed + number) * 1_000_003
    drafted = desk.write(places, [first + draft for draft in range(len(places) * recipe.samples)])
    desk.close()
    found = []
    for turn, place in enumerate(places):
        mine = range(turn * recipe.samples, (turn + 1) * recipe.samples)
        ranked = sorted(mine, key=lambda draft: -drafted.earned[draft].total)
        best, worst = ranked[0], ranked[-1]
        if drafted.earned[best].total - drafted.earned[worst].total < APART:
            continue
        texts = [sampling.closed(session, drafted.ids[draft], desk.stops) for draft in (best, worst)]
        if reference := desk.rows[place]["reference"]:
            texts.insert(0, chat.encode_completion(session.tokenizer, stand_in(reference)))
        if len(desk.prompts[place]) + max(map(len, texts)) <= session.max_length and all(texts):
            found.append({"prompt": desk.prompts[place], "texts": texts})
    session.reporter.emit("sampled", round=number, drafts=len(drafted.ids), lists=len(found))
    return found
