"""What an evaluation found, and the statistics on it.

NED is the edit distance between draft and passage divided by the longer one's length: 0 is the person's own text, 1 shares nothing.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import NormalDist, fmean, median
from typing import Any

from ..errors import Invalid, NotFound
from ..files import put
from ..models.bandit import FADED
from ..text import words
from .choices import Accuracy, Choice, accuracy

ROUNDS = 2000
MANY = 200  # values that are drawn from all at once
CHANGES = 4096  # of signs, that a comparison of several tries
MEMORISED = 8  # words in a row that no highlight says and another note does


@dataclass(frozen=True, slots=True)
class Item:
    """One passage. `ned` counts words, marks and line breaks, `ned_chars` characters; `copied_ned` is that of the bare highlights.

    `structure` is the distance between the marks alone, `coverage` the share of the highlights in the passage that the draft has too (None:
    the passage has none), `copied_words` the longest run it has from another note, `copied_from`; `broken` names the person's rules that
    the draft breaks; `former`: it is from before the person changed. `prompt` names what was asked, `written` is the draft as it came, with
    `tokens` and `finished`, from which the same can be measured again. Reports from before these were kept have none of them.
    """

    pair_id: str
    source_id: str
    note_path: str
    ned: float
    ned_chars: float
    copied_ned: float
    exact: bool
    problems: tuple[str, ...]
    draft: str
    passage: str
    structure: float | None = None
    coverage: float | None = None
    copied_words: int = 0
    copied_from: str = ""
    broken: tuple[str, ...] = ()
    former: bool = False
    prompt: str = ""
    written: str = ""
    tokens: int = 0
    finished: bool = True


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """One model on one split. `mean`, `median` and `interval` (90 % for the mean, bootstrap over passages) are of the items' `ned`;
    a single passage has no interval.

    `copied` is the mean NED of simply listing the highlights: what a model has to beat. `exact` and `valid` are shares; `structure` and
    `coverage` are means, `length` is the median of the drafts' words per word of the passage, `memorised` the share of drafts with
    `MEMORISED` words in a row from another note: None (0) in reports from before they were measured. `choices` are the person's rankings on
    the same sources, as the model judges them; `rules` names the limits the person had confirmed, by which the drafts were checked.
    `makeup` says all that the drafts hang on beside the prompts (empty where the writer does not tell, as a remote one).
    """

    model_id: str
    dataset_id: str
    split: str
    examples: bool
    created_at: str
    mean: float
    median: float
    interval: tuple[float, float] | None
    mean_chars: float
    copied: float
    exact: float
    valid: float
    seconds: float = 0.0
    path: str = ""
    items: tuple[Item, ...] = field(default=(), repr=False)
    structure: float | None = None
    coverage: float | None = None
    length: float = 0.0
    memorised: float | None = None
    choices: tuple[Choice, ...] = field(default=(), repr=False)
    rules: tuple[str, ...] = ()
    makeup: str = ""

    @property
    def broken(self) -> float | None:
        """Rules broken by a draft, on average; None without any to check."""
        return broken(self, self.rules)

    @property
    def distance(self) -> str:
        """The mean in words, with its interval."""
        return f"{self.mean:.3f}" + (" (90 % interval {:.3f} to {:.3f})".format(*self.interval) if self.interval else "")

    @property
    def choice_accuracy(self) -> Accuracy | None:
        return accuracy(self.choices)

    def metrics(self) -> dict[str, object]:
        """The figures without the items, as they are kept with the model."""
        judged = self.choice_accuracy
        return {
            "mean": self.mean, "median": self.median, "interval": list(self.interval) if self.interval else None,
            "mean_chars": self.mean_chars, "copied": self.copied, "exact": self.exact, "valid": self.valid,
            "items": len(self.items), "dataset": self.dataset_id, "split": self.split, "examples": self.examples,
            "at": self.created_at, "report": Path(self.path).name, "structure": self.structure,
            "coverage": self.coverage, "length": self.length, "memorised": self.memorised,
            **({"broken_rules": self.broken} if self.rules else {}),
            **({"choice_accuracy": asdict(judged)} if judged else {}),
        }  # fmt: skip


def summarise(
    items: Sequence[Item],
    *,
    model_id: str,
    dataset_id: str,
    split: str,
    examples: bool,
    created_at: str,
    seconds: float,
    path: Path,
    choices: Sequence[Choice] = (),
    rules: Sequence[str] = (),
    makeup: str = "",
) -> EvaluationReport:
    """The report on at least one item; figures are rounded to four places."""
    low, high = (round(min(1.0, max(0.0, bound)), 4) for bound in interval([item.ned for item in items]))
    return EvaluationReport(
        model_id=model_id, dataset_id=dataset_id, split=split, examples=examples, created_at=created_at,
        mean=round(fmean(item.ned for item in items), 4), median=round(median(item.ned for item in items), 4),
        interval=(low, high) if len(items) > 1 else None, mean_chars=round(fmean(item.ned_chars for item in items), 4),
        copied=round(fmean(item.copied_ned for item in items), 4), exact=round(fmean(item.exact for item in items), 4),
        valid=round(fmean(not item.problems for item in items), 4), seconds=round(seconds, 1), path=str(path), items=tuple(items),
        structure=_mean([item.structure for item in items]), coverage=_mean([item.coverage for item in items]),
        length=round(median(len(words(item.draft)) / max(1, len(words(item.passage))) for item in items), 4),
        memorised=_mean([None if item.structure is None else float(item.copied_words >= MEMORISED) for item in items]),
        choices=tuple(choices), rules=tuple(rules), makeup=makeup,
    )  # fmt: skip


def broken(report: EvaluationReport, rules: Iterable[str]) -> float | None:
    """How many of these rules a draft of the report breaks, on average; None where it was checked by none of them."""
    asked = {*rules} & {*report.rules}
    return round(fmean(len(asked.intersection(item.broken)) for item in report.items), 4) if asked else None


def _mean(values: Sequence[float | None]) -> float | None:
    """Of those that were measured."""
    measured = [value for value in values if value is not None]
    return round(fmean(measured), 4) if measured else None


def merge(reports: Sequence[EvaluationReport]) -> EvaluationReport:
    """One report, not written anywhere, over the passages of several splits that one model wrote in one way."""
    first = reports[0]
    assert all((other.model_id, other.examples) == (first.model_id, first.examples) for other in reports)
    return summarise(
        [item for report in reports for item in report.items], model_id=first.model_id, dataset_id=first.dataset_id,
        split="+".join(report.split for report in reports), examples=first.examples, created_at=reports[-1].created_at,
        seconds=sum(report.seconds for report in reports), path=Path(), choices=[item for report in reports for item in report.choices],
        rules=[name for name in first.rules if all(name in report.rules for report in reports)],
    )  # fmt: skip


def write_report(report: EvaluationReport) -> None:
    """Write the whole report to its `path`, atomically."""
    put(Path(report.path), json.dumps(asdict(report), ensure_ascii=False, indent=1) + "\n")


def read_report(path: Path) -> EvaluationReport:
    """A report that `evaluate` wrote."""
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        items = tuple(Item(**{**row, "problems": tuple(row["problems"]), "broken": tuple(row.get("broken", ()))}) for row in table["items"])
        bounds = tuple(table["interval"]) if len(items) > 1 else None  # of one passage some have a point
        choices = tuple(Choice(**row) for row in table.get("choices", ()))
        rules = tuple(table.get("rules", ()))
        whole = {**table, "interval": bounds, "items": items, "choices": choices, "rules": rules, "path": str(path)}
        return EvaluationReport(**whole)
    except FileNotFoundError as error:
        raise NotFound(f"There is no report {path}.", "Make one with: notewright evaluate") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid(f"{path} is not an evaluation report: {error}", "Make one with: notewright evaluate") from error


@dataclass(frozen=True, slots=True)
class Comparison:
    """`difference` is after minus before, so a negative one is an improvement; `low` and `high` bound it with 90 %.

    `relative` is the difference as a share of before.
    """

    items: int
    before: float
    after: float
    difference: float
    low: float
    high: float

    @property
    def relative(self) -> float:
        return self.difference / self.before if self.before else 0.0

    @property
    def error(self) -> float:
        """Standard error of the difference, from the width of its interval."""
        return (self.high - self.low) / (2 * NormalDist().inv_cdf(0.95))


def compare(before: EvaluationReport, after: EvaluationReport, *, rounds: int = ROUNDS, seed: int = 0) -> Comparison:
    """Paired bootstrap of the mean NED over the passages both reports have, those from before the person changed weighing a quarter.
    Raises Invalid where they share none."""
    first = {item.pair_id: item.ned for item in before.items}
    shared = [item for item in after.items if item.pair_id in first]
    weights = _weights(shared)
    earlier = [first[item.pair_id] * weight for item, weight in zip(shared, weights, strict=True)]
    later = [item.ned * weight for item, weight in zip(shared, weights, strict=True)]
    differences = [b - a for a, b in zip(earlier, later, strict=True)]
    low, high = interval(differences, rounds=rounds, seed=seed)
    return Comparison(
        items=len(shared), before=fmean(earlier), after=fmean(later), difference=fmean(differences),
        low=low, high=high,
    )  # fmt: skip


def sure_of_each(before: EvaluationReport, afters: Sequence[EvaluationReport]) -> list[float]:
    """How sure it is that the mean NED fell, of each of several that were tried (`max_t`), on the passages that all have, which weigh as in
    `compare`. Raises Invalid where there is none."""
    import numpy

    known = [{item.pair_id: item.ned for item in report.items} for report in (before, *afters)]
    shared = [item for item in before.items if all(item.pair_id in one for one in known)]
    weights = _weights(shared)
    neds = numpy.array([[one[item.pair_id] * weight for item, weight in zip(shared, weights, strict=True)] for one in known])
    return max_t(neds[0] - neds[1:])


def max_t(fell: Any, *, rounds: int = CHANGES, seed: int = 0) -> list[float]:
    """How sure each row of differences (tried, passages) is to have a mean above 0: with confidence c, in a share of at most 1 - c of all
    tries one passes that has not, however many rows there are, if differences lie symmetrically about their mean.

    Single-step max-T over changes of sign (Westfall and Young, Resampling-Based Multiple Testing, 1993): were nothing better, a passage's
    difference would be as likely its opposite. Signs change passage by passage, for all rows together, so that versions much alike count
    for little more than one, where Bonferroni counts each. Up to 12 passages all changes are tried, else `rounds` of them.
    """
    import numpy

    count = fell.shape[1]
    if 2**count <= rounds:
        signs = 1 - 2 * (numpy.arange(2**count)[:, None] >> numpy.arange(count) & 1)
    else:
        signs = numpy.random.default_rng(seed).choice([1, -1], (rounds, count))
        signs[0] = 1  # as they are
    means = signs @ fell.T / count
    t = means / numpy.sqrt(numpy.maximum((fell**2).mean(1) - means**2, 1e-12))  # up to a factor that all of them share
    return [float(one) for one in (t.max(1)[:, None] < t[0] - 1e-9).mean(0)]


def surest(passages: int) -> float:
    """The most that `max_t` can be sure of with so many passages: their own signs are one of all changes tried."""
    return 1 - 1 / min(2**passages, CHANGES)


def _weights(shared: Sequence[Item]) -> list[float]:
    """What passages count: those from before the person changed a quarter; 1 on average."""
    if not shared:
        raise Invalid("The two evaluations share no passage.", "Evaluate both models on the same dataset and split.")
    weights = [FADED if item.former else 1.0 for item in shared]
    return [weight / fmean(weights) for weight in weights]


def interval(values: Sequence[float], *, rounds: int = ROUNDS, seed: int = 0) -> tuple[float, float]:
    """90 % bootstrap interval of the mean."""
    return middle(sorted(resampled(values, rounds=rounds, seed=seed)))


def resampled(values: Sequence[float], *, rounds: int = ROUNDS, seed: int = 0) -> list[float]:
    """Means of samples drawn anew, as they come.

    A plain bootstrap of few values is too sure of itself (of six, one difference in twenty by chance alone passes for 98.75 %), so each
    draw is spread as Student's t is beside the normal.
    """
    if len(values) > MANY:
        return _resampled_many(values, rounds, seed)
    rng, middle, count = random.Random(seed), fmean(values), len(values)
    freedom = max(1, count - 1)
    return [
        middle + (fmean(rng.choices(values, k=count)) - middle) * math.sqrt(count / rng.gammavariate(freedom / 2, 2)) for _ in range(rounds)
    ]


def _resampled_many(values: Sequence[float], rounds: int, seed: int) -> list[float]:
    """The same in a hundredth of the time."""
    import numpy

    rng, data = numpy.random.default_rng(seed), numpy.asarray(values, dtype=float)
    count, middle = len(data), data.mean()
    means = numpy.array([data[rng.integers(count, size=count)].mean() for _ in range(rounds)])
    spread = numpy.sqrt(count / rng.chisquare(count - 1, rounds))
    return [float(one) for one in middle + (means - middle) * spread]


def middle(means: Sequence[float], share: float = 0.9) -> tuple[float, float]:
    """The bounds of the middle `share` of what is in order."""
    edge = (1 - share) / 2
    return means[int(edge * (len(means) - 1))], means[round((1 - edge) * (len(means) - 1))]
