"""What a sampled draft earns: a trusted reward, likeness to the person's own text, and the gates.

    judge.json    frozen into the run folder when it begins, so that a resumed run is judged as it was before

A reward takes part only where it has earned the right to label (`reward.trust`): a policy finds whatever a reward gets wrong (Gao et al.,
arXiv:2210.10760). Its careful value, mean less deviation, is squashed into -1 to 1, so that no single excess pays for everything else.
What is too long for a neural reward to see whole earns the least of it, -1: were it left out, length would be a way past a bad judgement.
Likeness to a good text of the person's own is about as good a judge as a large reward model (Chang et al., arXiv:2505.11080).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

from .. import gates
from ..errors import Invalid
from ..gates import Habits
from ..reward import measure
from ..reward.judges import labelling_taste
from ..reward.rows import draft_rows
from ..reward.scale import Scale
from ..reward.score import Score, combine, of_seen
from ..reward.taste import basis
from ..reward.trust import allowed, newest_reward, require
from ..settings import Settings
from ..text import edit_distance
from ..vault import build_index
from ..vault.repair import name_highlights
from .prompts import read_highlights
from .recipes import SamplingRecipe

if TYPE_CHECKING:
    from ..library import Library
    from ..reward.neural import NeuralReward

BEST_FIRST = ("combination", "ensemble", "embedding", "taste")
WORST = Score(-math.inf, 0.0)
YARDSTICK = 200  # newest drafts over which the taste head's utilities are standardised


def choose_reward(library: Library, recipe: SamplingRecipe) -> str:
    """The reward that judges: the best one that may label, none where none may. One that is named must have earned it."""
    if recipe.reward in ("auto", "none"):
        if recipe.reward == "none" or not recipe.reward_weight:
            return ""
        return next((name for name in BEST_FIRST if allowed(library, name, "label")), "")
    require(library, recipe.reward, "label")
    return recipe.reward


def freeze(library: Library, folder: Path, *, settings: Settings, reward: str) -> None:
    """Write judge.json: the reward by name, the taste head as numbers, the neural reward model's folder, the person's habits, links, and
    where their vault is: a draft may lead to what is in it, as in drafting."""
    vault = settings.vault if settings.vault and settings.vault.is_dir() else None
    about: dict[str, Any] = {
        "reward": reward, "habits": asdict(gates.habits_of(library, vault_index=build_index(vault) if vault else None)),
        "linked": sorted(library.notes.links()), "vault": str(vault.absolute()) if vault else "",
    }  # fmt: skip
    if reward in ("taste", "combination"):
        head = labelling_taste(library)
        drafts = library.drafts.all()[-YARDSTICK:]
        rows = draft_rows(library, drafts)
        means = [float(mean) for mean in head.score([rows[draft.id] for draft in drafts])[0]] if drafts else [0.0]
        about["taste"] = {
            "scale": asdict(head.scale), "mean": head.mean.tolist(), "covariance": head.covariance.tolist(), "middle": fmean(means),
            "spread": pstdev(means) or 1.0,
        }  # fmt: skip
    if reward in ("embedding", "ensemble", "combination"):
        model = newest_reward(library)
        assert model is not None, "a neural reward was trusted"
        about |= {"model": model.id, "folder": str(library.home / model.adapter_path), "base": model.base, "revision": model.revision}
    (folder / "judge.json").write_text(json.dumps(about) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Earned:
    """One draft's pay and what it is made of; `reward` and `similarity` are None where nothing could be said."""

    total: float
    reward: float | None
    similarity: float | None
    problems: tuple[str, ...]


class Judge:
    """Pays drafts as the run's judge.json says. `neural` is the loaded reward model, where one takes part; `warn` is told once where
    drafts are too long for that."""

    def __init__(
        self, about: dict[str, Any], recipe: SamplingRecipe, neural: NeuralReward | None = None, *,
        warn: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        self.about, self.recipe, self.neural, self._warn = about, recipe, neural, warn
        habits = about["habits"]
        self.habits = Habits(**{**habits, "used": {sort: (counts[0], counts[1]) for sort, counts in habits["used"].items()}})
        self.linked = frozenset(about["linked"]) if "linked" in about else None
        vault = about.get("vault", "")  # a run that was begun before has none
        self.index = build_index(Path(vault)) if vault and Path(vault).is_dir() else None
        self.taste = _Taste(about["taste"]) if "taste" in about else None
        self.unseen = 0  # drafts so far that were too long for the reward

    def __call__(self, rows: Sequence[dict[str, Any]], texts: Sequence[str], finished: Sequence[bool]) -> list[Earned]:
        """What each text earns as an answer to its frozen prompt."""
        scores = self._scores(rows, texts)
        return [self._pay(row, text, done, score) for row, text, done, score in zip(rows, texts, finished, scores, strict=True)]

    def _scores(self, rows: Sequence[dict[str, Any]], texts: Sequence[str]) -> Sequence[Score | None]:
        if not self.about["reward"]:
            return [None] * len(texts)
        if not self.neural:
            return self._rewards(rows, texts)
        sees = self.neural.sees([(row["prompt"], text) for row, text in zip(rows, texts, strict=True)])
        if self._warn and not self.unseen and not all(sees):
            self._warn(
                "Some drafts are, with their prompts, longer than the reward model sees; such a draft earns the least that it could."
            )
        self.unseen += len(texts) - sum(sees)
        found = of_seen(sees, lambda places: self._rewards([rows[at] for at in places], [texts[at] for at in places]))
        return [score or WORST for score in found]

    def _pay(self, row: dict[str, Any], text: str, finished: bool, score: Score | None) -> Earned:
        known = row["known"] if row["highlights"] else row["prompt"][-1]["content"]
        highlights = read_highlights(row)
        text = name_highlights(text, highlights=highlights, linked=self.linked or frozenset())  # as drafting would
        findings = gates.check(
            text, highlights=highlights, vault_index=self.index, known=known, linked=self.linked, habits=self.habits, finished=finished
        )
        problems = gates.problems(findings)
        reward = math.tanh(score.value / 2) if score else None  # of the worst: -1
        similarity = 1 - edit_distance(text, row["reference"]) if row["reference"] else None
        recipe = self.recipe
        total = recipe.reward_weight * (reward or 0.0) + recipe.similarity_weight * (similarity or 0.0)
        return Earned(total - recipe.gate_penalty * bool(problems), reward, similarity, problems)

    def _rewards(self, rows: Sequence[dict[str, Any]], texts: Sequence[str]) -> list[Score]:
        name = self.about["reward"]
        members: list[list[list[float]]] = []  # by part: (members, texts)
        if self.neural:
            opinions = self.neural.opinions([(row["prompt"], text) for row, text in zip(rows, texts, strict=True)])
            if name in opinions:
                return [combine(column) for column in zip(*opinions[name], strict=True)]
            members = [*opinions.values()]
        assert self.taste is not None
        own = self.taste.score(
            [measure(text, read_highlights(row), kind=row.get("kind", "")) for row, text in zip(rows, texts, strict=True)]
        )
        if not members:
            return own
        parts = [[fmean(column) for column in zip(*part, strict=True)] for part in members]
        return [combine([score.mean, *others]) for score, *others in zip(own, *parts, strict=True)]


class _Taste:
    """The taste head as it was when the run began, in standard deviations over the drafts of that time."""

    def __init__(self, about: dict[str, Any]) -> None:
        import numpy

        scale = about["scale"]
        self.scale = Scale(tuple(scale["centre"]), tuple(scale["spread"]), scale["notes"])
        self.mean, self.covariance = numpy.array(about["mean"]), numpy.array(about["covariance"])
        self.middle, self.spread = about["middle"], about["spread"]

    def score(self, rows: Sequence[Sequence[float]]) -> list[Score]:
        points = basis(self.scale, rows)
        means, variances = points @ self.mean, ((points @ self.covariance) * points).sum(axis=1)
        return [
            Score((float(mean) - self.middle) / self.spread, max(0.0, float(variance)) ** 0.5 / self.spread)
            for mean, variance in zip(means, variances, strict=True)
        ]


def read_judge(folder: Path) -> dict[str, Any]:
    """The run's judge.json."""
    about: dict[str, Any] = json.loads((folder / "judge.json").read_text(encoding="utf-8"))
    return about


def require_something_to_earn(rows: Sequence[dict[str, Any]], about: dict[str, Any], recipe: SamplingRecipe) -> None:
    """Refuse a training in which every draft would earn the same."""
    if not about["reward"] and (not recipe.similarity_weight or not any(row["reference"] for row in rows)):
        raise Invalid(
            "No reward may judge drafts yet, and there is no text of yours that they could be likened to.",
            "Rank more drafts (notewright rank), or leave similarity_weight above 0.",
        )
