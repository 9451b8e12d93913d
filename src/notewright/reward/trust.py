"""How far each reward may be trusted: judged on the person's own lists, each by a reward that has not seen it.

A list is what was decided at once: a ranking, an acceptance beside rivals, an edit. Lists, not pairs, are drawn anew in the bootstrap,
because the pairs of one list stand or fall together. A reward has not seen a list if it has seen nothing about its question: the same
batch in other words, or the chapter drafted again, would tell the answer. What a reward may do depends on the lower end of the 90 %
interval of its accuracy:

    nothing     too few lists, or the bound is at or below `ORDER_BOUND`: little better than a coin
    order       choose and order what is shown
    label       also label pairs for training: its mistakes would be learnt

`trust(library)` computes the report and keeps it; `allowed` and `require` are asked where a reward is used.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ..errors import Invalid
from ..library.database import now
from ..records import REWARDS
from .lists import Choice, choices, text_key
from .unseen import Gaps, one_for_each_question, taste_gaps

if TYPE_CHECKING:
    from ..library import Library
    from ..records import Model

LEVELS = ("nothing", "order", "label")
ORDER_LISTS, ORDER_BOUND = 10, 0.55
LABEL_LISTS, LABEL_BOUND = 150, 0.62
NEWEST = 200  # lists looked at: an old taste tells little about today's
DRAWS = 2000
LAG = 0.05
LOW, HIGH = 0.05, 0.95
_STATE = "trust"


@dataclass(frozen=True, slots=True)
class RewardTrust:
    """One reward: share of pairs ordered as the person did (90 % interval over lists), and what it may do. `version`: the model, if any."""

    reward: str
    lists: int
    accuracy: float
    low: float
    high: float
    level: str
    version: str = ""

    @property
    def why(self) -> str:
        """In words that a person who knows nothing of lists and bootstraps understands."""
        if self.lists < ORDER_LISTS:
            needed = f"it has been tried on {self.lists} of the {ORDER_LISTS} choices of yours that any trust needs"
            return f"{needed} (a chapter drafted again counts once)"
        shown = f"of two drafts it picks yours in {self.accuracy:.0%} of the cases (likely {self.low:.0%} to {self.high:.0%})"
        shown += f", tried on {self.lists} choices that it had not seen"
        if self.level == "order":
            return f"{shown}; to judge in your place it needs {LABEL_LISTS} choices and a lower end above {LABEL_BOUND:.0%}"
        return shown if self.level == "label" else f"{shown}; to order it needs a lower end above {ORDER_BOUND:.0%}"


@dataclass(frozen=True, slots=True)
class TrustReport:
    """What each reward may do, as of `at`, after event number `event`, with the reward model `version` (empty: none)."""

    at: str
    event: int
    version: str
    rewards: tuple[RewardTrust, ...]

    def of(self, reward: str) -> RewardTrust:
        if reward not in REWARDS:
            raise Invalid(f"There is no reward {reward!r}.", f"Rewards: {', '.join(REWARDS)}")
        return next((item for item in self.rewards if item.reward == reward), RewardTrust(reward, 0, 0.5, 0.0, 1.0, "nothing"))


def trust(library: Library, *, lag: float = 0.0) -> TrustReport:
    """The report for the choices and the reward model that there are now; computed only when they changed, and kept.

    With a `lag` a kept one will do that misses no more than this share of the events: 200 lists take a second or two to judge.
    """
    model = newest_reward(library)
    last, version = library.events.last(), model.id if model else ""
    kept = json.loads(library.db.get_state(_STATE) or "{}")
    if kept and kept["version"] == version and last - lag * last <= kept["event"] <= last:
        return _report(kept)
    # Edits teach, and are no proof: a head that knows what the person always changes may still be at chance between two drafts.
    found = one_for_each_question(library, [item for item in choices(library) if item.event.kind != "edit"])[-NEWEST:]
    gaps = {"taste": taste_gaps(library, found), **_neural(library, model, found)}
    gaps["combination"] = combined([gaps["taste"], gaps["embedding"], gaps["ensemble"]])
    versions = {"embedding": model.id, "ensemble": model.id, "combination": model.id} if model else {}
    rewards = tuple(judge(reward, gaps[reward], version=versions.get(reward, "")) for reward in REWARDS)
    report = TrustReport(now(), last, version, rewards)
    library.db.set_state(_STATE, json.dumps(asdict(report)))
    return report


def _report(kept: dict[str, Any]) -> TrustReport:
    return TrustReport(kept["at"], kept["event"], kept["version"], tuple(RewardTrust(**item) for item in kept["rewards"]))


def allowed(library: Library, reward: str, use: str) -> bool:
    """May this reward `order` what is shown, or `label` pairs for training? Quick: the newest twentieth of the events may be missed."""
    if use not in LEVELS[1:]:
        raise Invalid(f"Nothing is called {use!r} that a reward may do.", f"Uses: {', '.join(LEVELS[1:])}")
    return _may(trust(library, lag=LAG).of(reward), use)


def _may(judged: RewardTrust, use: str) -> bool:
    return LEVELS.index(judged.level) >= LEVELS.index(use)


def require(library: Library, reward: str, use: str) -> RewardTrust:
    """Refuse a use that the reward has not earned; the error says what is missing."""
    found = trust(library).of(reward)
    if not _may(found, use):
        what = "label pairs for training" if use == "label" else "order what is shown"
        raise Invalid(
            f"The {reward} reward may not {what} yet: {found.why}.",
            "Rank more drafts (notewright rank); see what is trusted with: notewright reward",
        )
    return found


def judge(reward: str, gaps: Gaps, *, version: str = "") -> RewardTrust:
    """Accuracy, interval and level from the gaps of lists that the reward had not seen."""
    shares = [fmean((gap > 0) + 0.5 * (gap == 0) for gap in values) for values in gaps.values() if values]
    if not shares:
        return RewardTrust(reward, 0, 0.5, 0.0, 1.0, "nothing", version)
    low, high = interval(shares)
    level = "nothing"
    if len(shares) >= ORDER_LISTS and low > ORDER_BOUND:
        level = "label" if len(shares) >= LABEL_LISTS and low > LABEL_BOUND else "order"
    return RewardTrust(reward, len(shares), round(fmean(shares), 4), round(low, 4), round(high, 4), level, version)


def interval(shares: Sequence[float]) -> tuple[float, float]:
    """90 % by bootstrap over lists; one list all right and one all wrong are added, so that a few lucky lists are no certainty."""
    rng = random.Random("trust")
    widened = [*shares, 0.0, 1.0]
    means = sorted(fmean(rng.choices(widened, k=len(widened))) for _ in range(DRAWS))
    return means[int(LOW * DRAWS)], means[int(HIGH * DRAWS) - 1]


def combined(parts: Sequence[Gaps]) -> Gaps:
    """Gaps of the sum of rewards, each in units of its own typical gap, for the lists that all of them judged; of one alone: nothing."""
    present = [part for part in parts if part]
    if len(present) < 2:
        return {}
    units = [max(1e-9, fmean(abs(gap) for values in part.values() for gap in values)) for part in present]
    shared = [key for key in present[0] if all(key in part and len(part[key]) == len(present[0][key]) for part in present)]
    return {
        key: [sum(gap / unit for gap, unit in zip(row, units, strict=True)) for row in zip(*(part[key] for part in present), strict=True)]
        for key in shared
    }


def newest_reward(library: Library) -> Model | None:
    """The neural reward model in use: the newest."""
    found = library.models.all("reward")
    return found[-1] if found else None


def _neural(library: Library, model: Model | None, found: Sequence[Choice]) -> dict[str, Gaps]:
    """As the model's own members judged the lists whose questions they had not seen, and the lists of sources that only measure."""
    gaps: dict[str, dict[str, list[float]]] = {"embedding": {}, "ensemble": {}}
    judged = {(check["list"], check["chosen"], check["rejected"]): check for check in _checks(library, model)}
    for choice in found:
        keys = [(choice.key, text_key(pair.better_text), text_key(pair.worse_text)) for pair in choice.pairs]
        if all(key in judged for key in keys):
            for part, table in gaps.items():
                table[choice.key] = [judged[key][part] for key in keys]
    return dict(gaps)


def _checks(library: Library, model: Model | None) -> list[dict[str, Any]]:
    if model is None:
        return []
    path = library.home / model.adapter_path / "reward.json"
    if not path.is_file():
        return []
    about = json.loads(path.read_text(encoding="utf-8"))
    unseen = about["checks"] if about.get("dealt") == "question" else []  # a judge of a list may have seen its question
    return [*unseen, *about["held_out"]]
