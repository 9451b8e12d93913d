"""Datasets in a library, and one torch thread: tiny matrices only lose from more, above all on a busy machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from notewright.library import Library
from notewright.library.database import now
from notewright.records import Dataset
from notewright.settings import Settings

MakeDataset = Callable[[str, list[dict]], Dataset]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Here and in the processes that are started: what two of them compute is compared to the bit."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    torch = sys.modules.get("torch")  # imported by now, it has counted the cores already
    before = torch.get_num_threads() if torch else 0
    if torch:
        torch.set_num_threads(1)
    yield
    if torch:
        torch.set_num_threads(before)


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home, device="cpu")


@pytest.fixture
def make_dataset(library: Library) -> MakeDataset:
    """A frozen dataset as the datasets stage leaves it; the last three rows are for validation."""

    def make(kind: str, rows: list[dict]) -> Dataset:
        dataset_id = library.datasets.new_id()
        folder = library.home / "datasets" / dataset_id
        folder.mkdir()
        for name, part in (("train", rows[:-3]), ("valid", rows[-3:]), ("test", [])):
            (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part), encoding="utf-8")
        (folder / "manifest.json").write_text("{}", encoding="utf-8")
        return library.datasets.add(Dataset(dataset_id, kind, f"datasets/{dataset_id}", now()))

    return make
