"""An adapter that is not whole is told before anything tries to load it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from notewright.errors import Invalid
from notewright.models.adapters import CONFIG, WEIGHTS, require_whole


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    (tmp_path / CONFIG).write_text("{}")
    save_file({"a": np.zeros((4, 8), dtype=np.float32), "b": np.ones(3, dtype=np.float16)}, tmp_path / WEIGHTS, metadata={"format": "pt"})
    return tmp_path


def test_a_whole_one_passes(adapter: Path) -> None:
    require_whole(adapter)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: (folder / CONFIG).unlink(), CONFIG),
        (lambda folder: (folder / WEIGHTS).unlink(), WEIGHTS),
        (lambda folder: (folder / CONFIG).write_text("{"), "cut off"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b""), "cut off"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b"\xff" * 500), "cut off"),
        (lambda folder: (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:20]), "cut off"),
        (lambda folder: (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-1]), "bytes of"),
    ],
)
def test_what_is_wrong_is_said_with_the_next_step(adapter: Path, harm: Callable[[Path], object], said: str) -> None:
    harm(adapter)
    with pytest.raises(Invalid, match="is damaged") as caught:
        require_whole(adapter)
    assert said in caught.value.message
    assert "notewright models use" in caught.value.hint
