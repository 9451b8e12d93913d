"""Rows of frozen datasets and of what is written like them: JSONL, one object a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import Invalid, NotFound
from ..records import Dataset
from .splits import PARTS, SPLITS

Row = dict[str, Any]


def load(dataset: Dataset, split: str) -> list[Row]:
    """The rows of one split, in file order. Raises NotFound where the folder is gone, Invalid for an unknown split or a broken file."""
    if split not in PARTS:
        raise Invalid(f"A dataset has no split {split!r}.", f"Name one of: {', '.join(PARTS)}.")
    if split not in SPLITS and split not in dataset.manifest["counts"]:  # type: ignore[operator]
        return []
    path = Path(dataset.path) / f"{split}.jsonl"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [json.loads(line) for line in file]
    except FileNotFoundError as error:
        raise NotFound(f"The dataset file {path} is gone.", f"Build it again with: notewright dataset {dataset.kind}") from error
    except ValueError as error:
        raise Invalid(f"{path} is not a JSONL file any more: {error}", f"Build it again with: notewright dataset {dataset.kind}") from error


def read_rows(path: Path) -> list[Row]:
    """The rows of a JSONL file; a missing file has none."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def taught_texts(folder: Path) -> list[str]:
    """What the rows of a dataset teach to write, each text once; nothing of a dataset that is gone or broken."""
    try:
        rows = read_rows(folder / "train.jsonl")
        texts = {row[name][-1]["content"]: None for row in rows for name in ("completion", "chosen", "edited") if name in row}
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return []
    return list(texts)
