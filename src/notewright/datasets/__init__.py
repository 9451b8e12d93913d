"""Pairs and feedback -> frozen JSONL folders in TRL's conversational formats, split by source.

    build(library, kind="sft")           rows: prompt, completion (+ prompt_with_examples to compare with)
    build(library, kind="preference")    rows: prompt, chosen, rejected, margin
    build(library, kind="edits")         rows: prompt, shown, edited, hunks, cost
    build(library, kind="labels")        rows: prompt, completion, label (accepted or not)

A dataset is a folder that never changes: `train.jsonl`, `valid.jsonl`, `test.jsonl`, `later.jsonl` (where chapters were kept back, see
`library.splits`), `probe.jsonl` (where nothing steers, see `probe`) and, written last, `manifest.json`.
"""

from ..library.rows import load
from .build import KINDS, build
from .freeze import verify
from .report import report

__all__ = ["KINDS", "build", "load", "report", "verify"]
