"""Tiny bases on disk, and one torch thread: tiny matrices only lose from more, above all on a busy machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import tiny_models


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny random base of one shape, built once."""
    root = tmp_path_factory.mktemp("bases")

    def base(shape: str) -> Path:
        folder = root / shape
        return folder if folder.exists() else tiny_models.build(shape, folder)

    return base
