"""What any reward says of a draft: a mean, how unsure it is, and the careful value that is acted on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev


@dataclass(frozen=True, slots=True)
class Score:
    """`value` is mean minus standard deviation over the members: a draft that they disagree about is not worth betting on
    (Coste et al., arXiv:2310.02743)."""

    mean: float
    sd: float

    @property
    def value(self) -> float:
        return self.mean - self.sd


def combine(opinions: Sequence[float]) -> Score:
    """One score from the members' opinions of one text, each on its own standard scale."""
    return Score(fmean(opinions), pstdev(opinions))


def of_seen(sees: Sequence[bool], rate: Callable[[list[int]], Sequence[Score]]) -> list[Score | None]:
    """What `rate` says of the texts (their places) that a reward sees whole; None for the others."""
    places = [place for place, seen in enumerate(sees) if seen]
    rated = dict(zip(places, rate(places) if places else [], strict=True))
    return [rated.get(place) for place in range(len(sees))]
