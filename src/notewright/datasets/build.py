"""The verb: collect, derive, freeze."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import Invalid
from ..library.examples import MIN_COVERAGE, THRESHOLD
from ..library.splits import SHARES, keep_later
from ..records import Dataset
from ..settings import Settings
from .edits import edit_rows
from .freeze import freeze
from .labels import label_rows
from .preference import preference_rows
from .probe import probes
from .sft import sft_rows

if TYPE_CHECKING:
    from ..library import Library

KINDS = ("sft", "preference", "edits", "labels")
PROBED = ("sft", "preference", "edits")  # whose trainings are looked at for made-up words (`training.babble`)
MAX_CHARS = {"sft": 6000, "preference": 12000, "edits": 12000, "labels": 12000}

Progress = Callable[[int, int], None]


def build(
    library: Library,
    *,
    kind: str,
    settings: Settings | None = None,
    examples: float = 0.7,
    max_examples: int = 2,
    threshold: float = THRESHOLD,
    min_coverage: float = MIN_COVERAGE,
    max_chars: int | None = None,
    split: tuple[float, float, float] = SHARES,
    seed: int = 0,
    demonstrations: bool = False,
    adjacent: bool = False,
    label: str = "",
    progress: Progress | None = None,
) -> Dataset:
    """Build and freeze a dataset of a kind (`KINDS`); the same library gives the same files, and then the same dataset.

    `examples` is the share of training prompts that carry one to `max_examples` earlier exchanges from other training sources.
    `threshold` is the least score of a proposed pair (accepted pairs always count); `max_chars` bounds prompt plus answer (6000 for sft,
    12000 for the others, unless given).
    `split` gives train, valid and test shares for sources seen for the first time: a source never changes sides, nor does a chapter that
    was kept back because it came later (`library.splits`).
    For preferences, `adjacent` takes only neighbouring places of a ranking instead of all better-worse pairs, and `demonstrations`
    adds rows where the person's passage beats a stored draft for the same highlights (DITTO, arXiv:2406.00888).
    `label` names a reward that adds rows for batches nobody judged, best draft over worst; refused unless it has earned that
    (`reward.trust`). `progress` gets (rows done, rows in all). `settings` says on which device a neural reward works.

    Raises Invalid when there is nothing to learn from; its hint names the command that helps.
    """
    if kind not in KINDS:
        raise Invalid(f"There are no {kind!r} datasets.", f"Name one of: {', '.join(KINDS)}.")
    max_chars = max_chars or MAX_CHARS[kind]
    if not 0 <= examples <= 1 or max_examples < 0 or not 0 <= threshold <= 1 or max_chars < 200:
        raise Invalid(
            f"Impossible parameters: examples={examples}, max_examples={max_examples}, threshold={threshold}, max_chars={max_chars}.",
            "Keep examples and threshold between 0 and 1, max_examples at 0 or more, max_chars at 200 or more.",
        )
    later = keep_later(library)
    if kind == "sft":
        rows, facts = sft_rows(
            library, share=examples, max_examples=max_examples, threshold=threshold, min_coverage=min_coverage, max_chars=max_chars,
            split=split, later=later, seed=seed, progress=progress,
        )  # fmt: skip
    elif kind == "edits":
        rows, facts = edit_rows(library, max_chars=max_chars, split=split, later=later, progress=progress)
    elif kind == "labels":
        rows, facts = label_rows(library, max_chars=max_chars, split=split, later=later, progress=progress)
    else:
        rows, facts = preference_rows(
            library, adjacent=adjacent, demonstrations=demonstrations, label=label, device=settings.device if settings else "auto",
            threshold=threshold, max_chars=max_chars, split=split, later=later, progress=progress,
        )  # fmt: skip
    asked = probes(library, rows["train"], later=later) if kind in PROBED and not rows["valid"] else []
    return freeze(library, kind, rows, facts, probes=asked)
