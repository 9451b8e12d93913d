"""Which learning rate suits this person's notes: three short trainings from the same start, judged by what they write.

A bad rate is the largest single risk of a small training, and the tables know only sizes. The first training of a base in a home tries
half, the whole and twice the table's rate; the factor is remembered in the library (`rate sft <base>`) and used from then on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import put

if TYPE_CHECKING:
    from ..library import Library

FACTORS = (0.5, 1.0, 2.0)
SHARE, LEAST, MOST = 0.4, 15, 60  # of the training's steps
GAIN = 0.02  # share of the distance that another factor must gain to outdo the table's rate


def remembered(library: Library, base: str) -> float | None:
    """The factor found at the first use of a base; None before that."""
    kept = library.db.get_state(_key(base))
    return float(json.loads(kept)["factor"]) if kept else None


def remember(library: Library, base: str, found: dict[str, object]) -> None:
    library.db.set_state(_key(base), json.dumps(found))


def _key(base: str) -> str:
    return f"rate sft {base}"


def trial_steps(steps: int) -> int:
    return max(LEAST, min(MOST, round(SHARE * steps)))


def choose(distances: dict[float, float]) -> float:
    """The factor whose short training came nearest to held-out passages, where it clearly beats the table's own."""
    best = min(distances, key=lambda factor: (distances[factor], abs(factor - 1)))
    return best if distances[best] < (1 - GAIN) * distances[1.0] else 1.0


def try_all(folder: Path, attempt: Callable[[float], float | None]) -> dict[float, float] | None:
    """Distance by factor, as the first process measured it; each is kept in rates.json once known. None when an attempt was stopped."""
    from . import processes  # imports torch, which the memory of factors must not

    path = folder / "rates.json"
    known = {float(name): value for name, value in json.loads(path.read_text()).items()} if path.exists() else {}
    for factor in FACTORS:
        if factor not in known:
            value = attempt(factor)
            if value is None:
                return None
            known[factor] = processes.first(round(value, 5))
            if processes.is_first():
                put(path, json.dumps(known))
            processes.wait()
    return known
