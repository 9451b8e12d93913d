"""The instant taste head: Bayesian Plackett-Luce over the style features, with a Laplace posterior.

A text's utility is linear in its basis: the standardised features z (more of it is better or worse), and for each the nearness
1 - sqrt(1 + z^2) to the person's own notes (their own measure is better). Both together can peak at any value. A third part, z times the
source's side (books against the rest), lets wants differ between the two. All evidence has one form,
a *stage*: a winner against losers, log-likelihood `-weight * log(1 + sum(exp(u(loser) - u(winner))))`. A ranking is a stage for each place
(Plackett 1975, Luce 1959); a tie is half a win each way (Davidson 1970); accepting and rejecting are stages against a bar, one more
coordinate of the basis.

    head = Head(scale)
    head.add("event-1", ranking(scale, [[best], [second, third]]))
    head.fit()
    means, deviations = head.score(rows)

The log posterior is strictly concave, so the fit does not depend on the order of the evidence, and an update from the last fit finds the
same point as a fit from nothing.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from .features import ASPECTS, FEATURES
from .prior import BAR, COUNT, PRIOR, WIDTH, Prior
from .scale import Scale

Row = Sequence[float]

EDIT_WEIGHT = 4.0  # an edit says as much as several rankings: 3-6 is flat in simulation, 12 hurts
DEMONSTRATION_WEIGHT = 0.3  # note beats model sample: easy to tell apart, so worth little
VERDICT_WEIGHT = 0.5  # accept and reject move with mood and hurry
TIE_WEIGHT = 0.5


class Stages(NamedTuple):
    """Stages of one piece of evidence: `rows` are the differences loser - winner in the basis; stage i owns `sizes[i]` of them."""

    rows: Any
    sizes: tuple[int, ...]
    weights: tuple[float, ...]


def basis(scale: Scale, rows: Sequence[Row], *, aspect: str = "") -> Any:
    """(n, WIDTH) array of raw feature rows; with an `aspect` only its features count. A row without a side is of an unknown source."""
    import numpy

    z = scale.standardise(rows)
    if aspect:
        z = z * numpy.array([feature.aspect == aspect for feature in FEATURES])
    return _basis(z, [row[COUNT] if len(row) > COUNT else 0.0 for row in rows])


def _basis(z: Any, sides: Sequence[float]) -> Any:
    import numpy

    return numpy.hstack([z, 1 - numpy.sqrt(1 + z**2), z * numpy.array(sides)[:, None], numpy.zeros((len(z), 1))])


def ranking(
    scale: Scale,
    groups: Sequence[Sequence[Row]],
    *,
    rejected: Sequence[Row] = (),
    ties: bool = True,
    weight: float = 1.0,
    aspect: str = "",
) -> Stages:
    """Groups best first, equal ones in one group (without `ties`: not compared); `rejected` are below all groups and below the bar."""
    if aspect and aspect not in ASPECTS:
        raise ValueError(aspect)
    found = basis(scale, [*itertools.chain(*groups), *rejected], aspect=aspect)  # at once: a call costs more than its rows
    ends = list(itertools.accumulate(map(len, groups), initial=0))
    tiers = [found[start:end] for start, end in itertools.pairwise(ends)]
    below = found[ends[-1] :] if rejected else None
    stages: list[tuple[Any, float]] = []
    for place, tier in enumerate(tiers):
        worse = [*tiers[place + 1 :], *([below] if below is not None else [])]
        for index, winner in enumerate(tier):
            stages += [(_stack(worse) - winner, weight)] if worse else []
            for other in tier[index + 1 :] if ties else ():
                stages += [(_stack([other]) - winner, weight * TIE_WEIGHT), (_stack([winner]) - other, weight * TIE_WEIGHT)]
    if below is not None:
        stages += [(_against_bar(row, accepted=False), weight * VERDICT_WEIGHT) for row in below]
    return _stages(stages)


def verdict(scale: Scale, row: Row, *, accepted: bool, weight: float = VERDICT_WEIGHT) -> Stages:
    """A draft judged alone: above or below the bar."""
    return _stages([(_against_bar(basis(scale, [row])[0], accepted=accepted), weight)])


def edit(scale: Scale, final: Row, draft: Row, others: Sequence[Row] = ()) -> Stages:
    """The person's version beats the draft it was made from, strongly, and the others shown beside it."""
    rows = basis(scale, [final, draft, *others])
    stages = [(_stack([rows[1]]) - rows[0], EDIT_WEIGHT)]
    stages += [(rows[2:] - rows[0], 1.0)] if others else []
    return _stages(stages)


def nudge(scale: Scale, row: Row, steps: Mapping[int, float] | None = None, *, towards: Iterable[int] = (), weight: float = 1.0) -> Stages:
    """An imagined better version of a draft beats it: moved by `steps` (feature: spreads), or set to the own notes' measure (`towards`)."""
    import numpy

    z = scale.standardise([row])[0]
    better = z.copy()
    for index, step in (steps or {}).items():
        better[index] += step
    for index in towards:
        better[index] = 0.0
    full = _basis(numpy.stack([better, z]), [row[COUNT] if len(row) > COUNT else 0.0] * 2)
    return _stages([(full[1:] - full[0], weight)])


def weighted(stages: Stages, factor: float) -> Stages:
    """The same evidence, counted `factor` times."""
    return Stages(stages.rows, stages.sizes, tuple(weight * factor for weight in stages.weights))


def _stack(parts: Sequence[Any]) -> Any:
    import numpy

    return numpy.vstack(parts)


def _against_bar(row: Any, *, accepted: bool) -> Any:
    bar = row * 0
    bar[BAR] = 1.0
    return (bar - row if accepted else row - bar)[None]


def _stages(parts: Sequence[tuple[Any, float]]) -> Stages:
    import numpy

    rows = numpy.vstack([rows for rows, _ in parts]) if parts else numpy.zeros((0, WIDTH))
    return Stages(rows, tuple(len(rows) for rows, _ in parts), tuple(weight for _, weight in parts))


class Head:
    """Evidence by key, and the posterior after `fit`. Not thread-safe; other threads get a `still` one."""

    TOLERANCE = 1e-10  # of the squared length of a Newton step, in posterior standard deviations
    STALE = 0.25  # how far (squared, likewise) the fit may move before the curvature is computed anew: it errs by a percent or two

    def __init__(self, scale: Scale, prior: Prior = PRIOR) -> None:
        import numpy

        self.scale = scale
        self._evidence: dict[str, Stages] = {}
        self._tables = Tables()
        self._added: set[str] = set()
        self._dropped: list[Stages] = []
        self.set_prior(prior)
        self.mean: Any = numpy.array(prior.mean)
        self._hessian: Any = None
        self._surveyed: Any = None  # where the curvature was last computed from all evidence
        self._covariance: Any = None

    def set_prior(self, prior: Prior) -> None:
        """Takes effect with the next fit."""
        import numpy

        self.prior = prior
        self._middle, self._precision = numpy.array(prior.mean), numpy.array(prior.sd) ** -2.0
        self._anew = True

    def __len__(self) -> int:
        return len(self._evidence)

    def __contains__(self, key: str) -> bool:
        return key in self._evidence

    @property
    def evidence(self) -> Mapping[str, Stages]:
        """What each key holds."""
        return MappingProxyType(self._evidence)

    def add(self, key: str, stages: Stages) -> None:
        """Evidence under a key; what the key held before is replaced."""
        if key in self._evidence:
            old = self._evidence[key]
            if old.weights == stages.weights and old.sizes == stages.sizes and (old.rows == stages.rows).all():
                return
            self.drop(key)
        self._evidence[key] = stages
        self._added.add(key)

    def drop(self, key: str) -> None:
        """Forget what a key holds, if anything."""
        stages = self._evidence.pop(key, None)
        if stages is not None and key not in self._added:
            self._dropped.append(stages)
            self._tables.drop(key)
        self._added.discard(key)

    @property
    def fitted(self) -> bool:
        """Whether the posterior is that of all evidence held."""
        return not (self._anew or self._added or self._dropped)

    def still(self) -> Head:
        """The fitted head as it is now: to be read, whatever is added to this one meanwhile."""
        found = copy.copy(self.fit())
        found._evidence, found._added, found._dropped = dict(self._evidence), set(), []
        return found

    def fit(self) -> Head:
        """Newton's method from the last fit to the top of the posterior; returns itself.

        After new evidence the last curvature plus that of the new stages is near enough to step by, and for the covariance too until the
        fit has moved by `STALE`; only gradients need all the data at every click.
        """
        if self.fitted:
            return self
        new = {key: self._evidence[key] for key in self._added}
        self._tables.extend(new)
        if self._anew:
            self._survey()
        else:
            gone = dict(enumerate(self._dropped))
            self._hessian = self._hessian + Tables(new).curvature(self.mean) - Tables(gone).curvature(self.mean)
        rebuilt, self._anew, self._added, self._dropped = self._anew, False, set(), []
        self._climb()
        away = self.mean - self._surveyed
        if rebuilt or float(away @ self._hessian @ away) > self.STALE:
            self._survey()
        self._covariance = None
        return self

    def _survey(self) -> None:
        import numpy

        self._hessian = numpy.diag(self._precision) + self._tables.curvature(self.mean)
        self._surveyed = self.mean

    def _climb(self) -> None:
        import numpy

        loss, gradient = self.objective(self.mean)
        for _ in range(100):
            step = numpy.linalg.solve(self._hessian, gradient)
            decrement = float(gradient @ step)
            if decrement < self.TOLERANCE:
                return
            size = 1.0
            while True:
                place = self.mean - size * step
                new_loss, gradient = self.objective(place)
                if new_loss <= loss - 1e-4 * size * decrement or size < 1e-6:
                    break
                size /= 2
            self.mean, loss = place, new_loss
            if decrement > self.STALE:
                self._survey()

    def objective(self, weights: Any) -> tuple[float, Any]:
        """Negative log posterior (up to a constant) and its gradient at `weights`, over the evidence of the last fit."""
        away = weights - self._middle
        loss, gradient = self._tables.objective(weights)
        return loss + float(away @ (self._precision * away)) / 2, gradient + self._precision * away

    @property
    def covariance(self) -> Any:
        """Of the Laplace posterior: the inverse curvature at `mean`."""
        import numpy

        self.fit()
        if self._covariance is None:
            inverse = numpy.linalg.inv(self._hessian)
            self._covariance = (inverse + inverse.T) / 2
        return self._covariance

    def score(self, rows: Sequence[Row]) -> tuple[Any, Any]:
        """Mean and standard deviation of the utilities of raw feature rows; 0 is a text exactly like the person's notes."""
        return self._predict(basis(self.scale, rows))

    def acceptance(self, rows: Sequence[Row]) -> Any:
        """Chance that each text is above the person's bar, the posterior's width included (MacKay 1992)."""
        import numpy

        points = basis(self.scale, rows)
        points[:, BAR] = -1.0
        means, deviations = self._predict(points)
        return 1 / (1 + numpy.exp(-means / numpy.sqrt(1 + numpy.pi * deviations**2 / 8)))

    def _predict(self, points: Any) -> tuple[Any, Any]:
        import numpy

        variance = ((points @ self.covariance) * points).sum(axis=1)
        return points @ self.mean, numpy.sqrt(numpy.maximum(variance, 0.0))

    def draw(self, rows: Sequence[Row], *, count: int, seed: int) -> Any:
        """(count, n) utilities of raw rows under `count` draws of the weights from the posterior."""
        import numpy

        factor = numpy.linalg.cholesky(self.covariance)
        weights = self.mean + numpy.random.default_rng(seed).standard_normal((count, WIDTH)) @ factor.T
        return weights @ basis(self.scale, rows).T


class Tables:
    """Stages side by side, those with equally many losers in one (stages, losers, WIDTH) array.

    A dropped stage keeps its place at weight 0.
    """

    def __init__(self, evidence: Mapping[Any, Stages] | None = None) -> None:
        self._rows: dict[int, Any] = {}
        self._weights: dict[int, Any] = {}
        self._used: dict[int, int] = {}
        self._places: dict[Any, list[tuple[int, int]]] = {}
        self.extend(evidence or {})

    def drop(self, key: Any) -> None:
        for size, place in self._places.pop(key):
            self._weights[size][place] = 0.0

    def extend(self, evidence: Mapping[Any, Stages]) -> None:
        import numpy

        new: dict[int, list[tuple[Any, float]]] = {}
        for key, stages in evidence.items():
            at = 0
            places = self._places[key] = []
            for size, weight in zip(stages.sizes, stages.weights, strict=True):
                some = new.setdefault(size, [])
                places.append((size, self._used.get(size, 0) + len(some)))
                some.append((stages.rows[at : at + size], weight))
                at += size
        for size, parts in new.items():
            used = self._used.get(size, 0)
            needed = used + len(parts)
            if size not in self._rows or needed > len(self._rows[size]):
                rows, weights = numpy.empty((2 * needed, size, WIDTH)), numpy.empty(2 * needed)
                if used:
                    rows[:used], weights[:used] = self._rows[size][:used], self._weights[size][:used]
                self._rows[size], self._weights[size] = rows, weights
            self._rows[size][used:needed] = [part for part, _ in parts]
            self._weights[size][used:needed] = [weight for _, weight in parts]
            self._used[size] = needed

    def _each(self) -> Iterator[tuple[Any, Any]]:
        for size, used in self._used.items():
            yield self._rows[size][:used], self._weights[size][:used]

    def objective(self, weights: Any) -> tuple[float, Any]:
        """Negative log-likelihood and its gradient."""
        import numpy

        loss, gradient = 0.0, numpy.zeros(WIDTH)
        for rows, counts in self._each():
            chances, logs = _chances(rows @ weights)
            loss += float(counts @ logs)
            gradient += (chances * counts[:, None]).ravel() @ rows.reshape(-1, WIDTH)
        return loss, gradient

    def curvature(self, weights: Any) -> Any:
        """Hessian of the negative log-likelihood."""
        import numpy

        result = numpy.zeros((WIDTH, WIDTH))
        for rows, counts in self._each():
            chances, _ = _chances(rows @ weights)
            means = numpy.matmul(chances[:, None, :], rows)[:, 0] * numpy.sqrt(counts)[:, None]
            spread = (rows * numpy.sqrt(chances * counts[:, None])[..., None]).reshape(-1, WIDTH)
            result += spread.T @ spread - means.T @ means
        return result


def _chances(gaps: Any) -> tuple[Any, Any]:
    """Of (stages, losers) utility gaps to the winner: each loser's chance to have been chosen, each stage's negative log-likelihood."""
    import numpy

    top = numpy.maximum(gaps.max(axis=1), 0.0)
    raised = numpy.exp(gaps - top[:, None])
    total = numpy.exp(-top) + raised.sum(axis=1)
    return raised / total[:, None], top + numpy.log(total)
