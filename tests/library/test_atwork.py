"""Whether an improve is at work: told by the lock, which a killed process cannot hold."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest

from notewright.errors import Busy
from notewright.files import locked
from notewright.library.atwork import LOCK, STEP, AtWork, alone, at_work

HOLD = """
import sys, time
from pathlib import Path
from notewright.library.atwork import AtWork, alone, tell
home = Path(sys.argv[1])
with alone(home):
    tell(home, AtWork("improve-1", "measuring SFT, test", 3, 10))
    print("in", flush=True)
    time.sleep(60)
"""


@contextmanager
def running(script: str, home: Path) -> Iterator[None]:
    """The script in a process of its own, from its first line of output until it is killed."""
    with subprocess.Popen([sys.executable, "-c", script, str(home)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "in\n"
            yield
        finally:
            child.kill()


def test_a_killed_one_is_not_shown_as_running(tmp_path: Path) -> None:
    assert at_work(tmp_path) is None
    with running(HOLD, tmp_path):
        found = at_work(tmp_path)
        assert found == AtWork("improve-1", "measuring SFT, test", 3, 10)
        assert str(found) == "measuring SFT, test; 3 of 10 passages written"
        with pytest.raises(Busy), alone(tmp_path):
            pass
        assert at_work(tmp_path) == found, "one that could not begin leaves the other's step"
    assert (tmp_path / STEP).exists()
    assert at_work(tmp_path) is None
    with alone(tmp_path):
        assert str(at_work(tmp_path)) == "looking at what is new", "what the killed one told is gone"
    assert at_work(tmp_path) is None


def test_who_looks_keeps_nobody_from_beginning_and_no_other_from_looking(tmp_path: Path) -> None:
    (tmp_path / LOCK).touch()
    with (tmp_path / LOCK).open("rb", buffering=0) as looks:
        assert locked(looks, shared=True)
        assert at_work(tmp_path) is None
        Timer(0.07, looks.close).start()
        with alone(tmp_path):  # waits for it
            assert at_work(tmp_path)


@pytest.mark.parametrize("told", ["", "[]", '{"id": 1, "unknown": 2}', "\xff{"])
def test_a_step_that_cannot_be_read_is_no_trouble(tmp_path: Path, told: str) -> None:
    with alone(tmp_path):
        (tmp_path / STEP).write_bytes(told.encode("latin-1"))
        assert at_work(tmp_path) == AtWork()
