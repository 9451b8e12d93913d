"""`improve` on a small world, with its trainings and without them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import small_world
from notewright import evaluation, feedback, loop
from notewright.evaluation.report import summarise
from notewright.library import Library
from notewright.library.database import now
from notewright.records import Dataset, Draft, Model

QUICK = {"max_steps": 4, "batch_size": 4}


def choices(world: small_world.World, rankings: int = 6) -> None:
    """Of two drafts each."""
    library = world.library
    for source in library.sources.all()[:rankings]:
        batch = library.drafts.new_batch()
        drafts = library.drafts.add(
            Draft(
                id="", batch_id=batch, source_id=source.id, chapter="Beginnings", model_id="model-1", text=text, position=place, seed=place,
                created_at=now(), messages=({"role": "user", "content": f"1. A fact of {source.title}"},),
            )
            for place, text in enumerate((f"## Good\n- {source.title}", "Bad words"))
        )  # fmt: skip
        feedback.rank(library, batch_id=batch, order=[[drafts[0].id], [drafts[1].id]])


def improve(world: small_world.World, **options: Any) -> loop.ImproveReport:
    return loop.improve(world.library, settings=world.settings, overrides=QUICK, max_new_tokens=12, **options)


def measured(
    library: Library, monkeypatch: pytest.MonkeyPatch, mean: Callable[[Model, bool], float], before: Callable[[str], None]
) -> None:
    """`improve` without its trainings: SFT makes one version, and every contender's distance is what `mean` says."""
    module = importlib.import_module("notewright.loop.improve")

    def train(self: Any, method: str, dataset: Dataset, *, start: str = "") -> Model:
        if "sft_model" not in self.state:
            self.state.keep("sft_model", library.models.add(Model(library.models.new_id(), "base/none", "", "policy", now())).id)
        return library.models.get(self.state["sft_model"])

    def contender(self: Any, label: str, model: Model, examples: bool, pairs: Dataset) -> loop.Contender:
        before(label)
        items = [
            evaluation.Item(f"p{place}", "s", "n.md", mean(model, examples) + place / 100, 0.5, 0.5, False, (), "draft", "passage")
            for place in range(8)
        ]
        told = {"model_id": model.id, "dataset_id": pairs.id, "split": "test", "examples": examples, "created_at": now(), "seconds": 0.0}
        return loop.Contender(label, model.id, examples, summarise(items, path=Path(), **told))

    monkeypatch.setattr(module._Work, "_train", train)
    monkeypatch.setattr(module._Work, "_contender", contender)
