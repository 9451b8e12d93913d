"""The benchmark that kills writers, with a few kills: no note is ever damaged, and the library says what the note says."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from conftest import REPOSITORY


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_writers_leave_the_old_note_or_the_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY / "src"))
    spec = importlib.util.spec_from_file_location("kills", REPOSITORY / "benchmarks" / "kills.py")
    assert spec
    assert spec.loader
    kills = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kills)
    result = kills.measure(8, seed=3)
    assert result["problems"] == []
    assert "damaged" not in result
    assert result.get("old", 0) + result.get("new", 0) == 8
