"""A small world with a tiny base, for tests of the loop."""

from __future__ import annotations

from pathlib import Path

import pytest

import small_world
import tiny_models
from notewright.library import Library
from notewright.settings import Settings


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def world(library: Library, tmp_path: Path) -> small_world.World:
    made = small_world.build(library, tmp_path)
    base = tiny_models.build("llama", tmp_path / "tiny", context=1280)
    return small_world.World(library, Settings(home=library.home, vault=made.vault, base_model=str(base), device="cpu"), made.vault)
