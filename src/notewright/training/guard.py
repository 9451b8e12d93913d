"""Limits for learning from preferences and edits: how far the policy may move before what it gained is not worth it.

`Guard`, for preferences: at every check the training ends, at the last state within limits, when compared with the reference
    the chosen texts have lost more than `max_fall` nats a token (likelihood displacement, arXiv:2410.08847),
    the median length of its drafts has changed by more than `max_drift`,
    more than `max_invalid` of its drafts newly fail to end or repeat themselves,
    or its drafts are more than `max_kl` nats away.

`EditGuard`, for edits, minds no lengths and likelihoods, which the person may have changed: it keeps the state whose drafts of held-out
prompts are nearest to what the person made of drafts, of those in which no more than `max_invalid` newly fail.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any

from ..errors import RunFailed
from ..text import edit_distance
from . import policy, sampling
from .batches import Unit
from .recipes import DpoRecipe
from .session import Session
from .watch import FEWEST, Checks, Watch

LONGEST = 512  # tokens of a draft that is only looked at
VARIED = 0.5  # share of a sound draft's runs of four tokens that are different ones


class Guard(Checks):
    """`units` are held-out lists, the best text first, with the reference's opinion of each text."""

    def __init__(self, session: Session, units: Sequence[Unit], steps: int, folder: Path) -> None:
        super().__init__(session, steps, folder)
        self.units = units
        self.prompts = [unit.prompt for unit in units]
        self.room = [room(unit, session) for unit in units]

    @functools.cached_property
    def before(self) -> list[list[int]]:
        """What the reference writes."""
        with policy.as_reference(self.session):
            return sampling.write(self.session, self.prompts, self.room)

    def look(self) -> dict[str, float]:
        session = self.session
        written = sampling.write(session, self.prompts, self.room, each=2, temperature=(0.0, 1.0), seed=session.recipe.seed)
        drafts, drawn = written[::2], written[1::2]
        fall, kl = self._moved(drawn)
        lengths = [median(map(len, texts)) for texts in (self.before, drafts)]
        invalid = [fmean(not sound(text, self.session) for text in texts) for texts in (self.before, drafts)]
        found = {"fall": fall, "drift": lengths[1] / max(1, lengths[0]) - 1, "invalid": invalid[1] - invalid[0], "kl": kl}
        return {name: round(value, 4) for name, value in found.items()}

    def _moved(self, drawn: Sequence[list[int]]) -> tuple[float, float]:
        """How many nats a token the chosen texts have lost, and how much likelier drafts of the policy are to it than to the reference."""
        units = [Unit(unit.prompt, [unit.texts[0], draft]) for unit, draft in zip(self.units, drawn, strict=True)]
        now = policy.log_probs(self.session, units)
        written = [Unit(unit.prompt, [draft]) for unit, draft in zip(self.units, drawn, strict=True)]
        policy.refer(self.session, written)
        fall = fmean((unit.reference[0] - sums[0]) / len(unit.texts[0]) for unit, sums in zip(self.units, now, strict=True))
        return fall, fmean(sums[1] - unit.reference[0] for unit, sums in zip(written, now, strict=True))

    @property
    def broken(self) -> str:
        """Which limit the last check broke, in words; empty: none."""
        return beyond(self.checks[-1][1], self.session.recipe) if self.checks else ""

    @property
    def kept(self) -> int | None:
        return next((step for step, seen in reversed(self.checks) if not beyond(seen, self.session.recipe)), None)

    @property
    def over(self) -> bool:
        return bool(self.broken)


class EditGuard(Watch):
    """`held_out` and `trained` are edits, each a unit with the shown text first and the edited one last.

    Nearness is judged by held-out edits alone, and not by few: the nearest to a text that is being learnt would be the longest trained.
    Whether drafts are sound can be seen on any prompts.
    """

    from_start = False  # `before` is what checks are measured against

    def __init__(self, session: Session, held_out: Sequence[Unit], trained: Sequence[Unit], steps: int) -> None:
        units = [*held_out, *trained][: session.recipe.watch_rows]
        edited = [(unit.prompt, unit.texts[-1], sampling.text_of(session, unit.texts[-1])) for unit in units]
        super().__init__(session, edited, steps)
        self.judges = min(len(held_out), len(units)) if len(held_out) >= FEWEST else 0
        self.room = [room(unit, session) for unit in units]

    @functools.cached_property
    def before(self) -> dict[str, float]:
        """What the reference's drafts are like."""
        with policy.as_reference(self.session):
            return self._drafts()

    def look(self) -> Any:
        now = self._drafts()
        return {**now, "invalid": round(now["invalid"] - self.before["invalid"], 4)}

    def _drafts(self) -> dict[str, float]:
        """`invalid` of all drafts and, where there are enough, the `distance` of held-out ones."""
        drafts = sampling.write(self.session, [prompt for prompt, _, _ in self.watched], self.room)
        found = {"invalid": fmean(not sound(draft, self.session) for draft in drafts)}
        if self.judges:
            pairs = [(sampling.text_of(self.session, draft), text) for draft, (_, _, text) in zip(drafts, self.watched, strict=True)]
            found["distance"] = round(fmean(edit_distance(a.strip(), b.strip()) for a, b in pairs[: self.judges]), 5)
        return found

    def value(self, step: int, seen: dict[str, float]) -> float:
        most = self.session.recipe.max_invalid
        return math.inf if most and seen["invalid"] > most else seen["distance"] if self.judges else -step

    def restore(self) -> None:
        """Raises RunFailed where no state may be kept."""
        if self.kept is None:
            step, seen = self.checks[-1]
            raise RunFailed(
                f"At step {step} {seen['invalid']:.0%} more drafts do not end or repeat themselves, and no state before it was better.",
                f"Try a lower rate (now {self.session.recipe.learning_rate:g}); the model it began with is as it was. "
                f"Log: {self.session.folder / 'log.txt'}",
            )  # fmt: skip
        super().restore()


def room(unit: Unit, session: Session) -> int:
    """How many tokens a draft of its prompt may have: enough to see whether it ends by itself."""
    return min(LONGEST, 2 * max(map(len, unit.texts)), session.max_length - len(unit.prompt))


def beyond(seen: dict[str, float], recipe: DpoRecipe) -> str:
    """Which limit is broken, in words."""
    if recipe.max_fall and seen["fall"] > recipe.max_fall:
        return f"the chosen texts lost {seen['fall']:.2f} nats a token (max_fall = {recipe.max_fall:g})"
    if recipe.max_drift and abs(seen["drift"]) > recipe.max_drift:
        return f"the drafts' length changed by {seen['drift']:+.0%} (max_drift = {recipe.max_drift:g})"
    if recipe.max_invalid and seen["invalid"] > recipe.max_invalid:
        return f"{seen['invalid']:.0%} more drafts do not end or repeat themselves (max_invalid = {recipe.max_invalid:g})"
    if recipe.max_kl and seen["kl"] > recipe.max_kl:
        return f"the drafts are {seen['kl']:.1f} nats away from the reference (max_kl = {recipe.max_kl:g})"
    return ""


def sound(draft: Sequence[int], session: Session) -> bool:
    """Does a draft come to an end and not go in circles?"""
    runs = [tuple(draft[at : at + 4]) for at in range(len(draft) - 3)]
    return sampling.ended(session, draft) and len(set(runs)) >= VARIED * len(runs)
