"""Ctrl-C while libraries are read is neither lost nor taken for a failure of theirs."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from notewright.cli.interrupts import patient_interrupts

SLOW = "import time\nprint('reading', flush=True)\nfor _ in range(30):\n    time.sleep(0.02)\n"
SWALLOWS = "try:\n    import slow\nexcept BaseException:\n    print('slow is not there', flush=True)\n"
PROGRAM = """
import time
from contextlib import nullcontext
from notewright.cli.interrupts import patient_interrupts
with {how}():
    try:
        import swallows
        time.sleep({rest})
        print("went on")
    except KeyboardInterrupt:
        print("stopped")
"""

DYING = """
import signal
import time
from contextlib import nullcontext
from notewright.cli.interrupts import patient_interrupts
class Dying:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)
with {how}():
    try:
        Dying()
        time.sleep({rest})
        print("went on")
    except KeyboardInterrupt:
        print("stopped")
"""


@pytest.mark.parametrize(
    ("how", "rest", "told"), [("patient_interrupts", 20, "stopped\n"), ("nullcontext", 0, "slow is not there\nwent on\n")]
)
def test_an_interrupt_waits_for_the_end_of_an_import(tmp_path: Path, how: str, rest: int, told: str) -> None:
    """Without patience the library swallows it: else this test would show nothing."""
    (tmp_path / "slow.py").write_text(SLOW, encoding="utf-8")
    (tmp_path / "swallows.py").write_text(SWALLOWS, encoding="utf-8")
    program = PROGRAM.format(how=how, rest=rest)
    with subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "reading\n"
        child.send_signal(signal.SIGINT)
        started = time.monotonic()
        assert child.stdout.read() == told
        assert time.monotonic() - started < 15


@pytest.mark.parametrize(("how", "told"), [("patient_interrupts", "stopped\n"), ("nullcontext", "went on\n")])
def test_an_interrupt_while_an_object_is_taken_down_comes_again(how: str, told: str) -> None:
    """Python alone prints it and goes on: else this test would show nothing."""
    program = DYING.format(how=how, rest=20 if how == "patient_interrupts" else 0)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == told
    assert ("KeyboardInterrupt" in done.stderr) == (how == "nullcontext")


def test_outside_of_imports_it_comes_at_once_and_the_usual_handler_comes_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), patient_interrupts():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_handler_of_somebody_else_stays() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with patient_interrupts():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
