"""Trainings in the process of a benchmark: the product's own method files and recipes, without a library around them."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from notewright.models import bases
from notewright.settings import silence_telemetry

silence_telemetry()

Row = dict[str, Any]


def train(
    base: bases.Base, place: Path, method: str, parts: Mapping[str, Sequence[Row]], *, start: Path | None = None,
    files: Mapping[str, str] | None = None, effort: str = "quick", device: str = "cpu", **overrides: Any,
) -> tuple[Path, float, dict[str, Any]]:  # fmt: skip
    """(adapter, seconds it took, metrics) of a training of `parts` (rows by split) in the new folder `place`."""
    from notewright.training import recipes, runs
    from notewright.training.worker import FILES, Reporter

    (place / "data").mkdir(parents=True)
    for split, rows in parts.items():
        (place / "data" / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    for file, text in (files or {}).items():
        (place / file).write_text(text, encoding="utf-8")
    parameters = bases.parameter_count(bases.read_config(base.folder), base.folder)
    count = len({row.get("event_id", at) for at, row in enumerate(parts["train"])})  # as the product counts: a ranking once
    resolved = recipes.resolve(method, parameters=parameters, rows=count, effort=effort, overrides=overrides)
    job = runs.Job(
        method, resolved.values(), {}, base.name, str(base.folder), "", str(start or ""), "", "", str(place / "data"), "", device=device
    )
    started = time.monotonic()
    metrics = importlib.import_module(f"notewright.training.{FILES.get(method, method)}").run(job, place, Reporter(place))
    return place / "adapter", round(time.monotonic() - started, 1), metrics
