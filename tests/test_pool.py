"""Work spread over processes: in order, with clear failures, nothing left running."""

from __future__ import annotations

import operator
import os
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import psutil
import pytest

from notewright.errors import Unavailable
from notewright.pool import cores, spread


def by_two(work: Callable[[int], object], tasks: Iterator[int]) -> Generator[object]:
    return spread(work, tasks, workers=2, begin=time.sleep, given=(0,), size=3)


def helpers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "notewright.pool" in " ".join(child.cmdline())]


def test_results_come_in_order_and_no_process_stays() -> None:
    assert list(by_two(operator.neg, iter(range(50)))) == [-number for number in range(50)]
    assert not helpers()


def test_no_module_of_the_folder_one_stands_in_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pickle.py").write_text("raise SystemExit('another pickle')")
    monkeypatch.chdir(tmp_path)
    assert list(by_two(operator.neg, iter(range(3)))) == [0, -1, -2]


def test_tasks_are_fetched_as_they_are_needed_and_closing_ends_the_processes() -> None:
    fetched: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(10_000):
            fetched.append(number)
            yield number

    results = by_two(operator.neg, tasks())
    assert next(results) == 0
    assert len(fetched) < 100
    assert len(helpers()) == 2
    results.close()
    assert not helpers()


@pytest.mark.parametrize(
    ("work", "said"), [(os._exit, "exit 1"), (operator.itemgetter(0), "TypeError"), (os.abort, "abort")], ids=["ends", "raises", "aborts"]
)
def test_a_process_that_fails_is_told(work: Callable[[int], object], said: str) -> None:
    with pytest.raises(Unavailable, match="helper process ended") as failed:
        list(by_two(work, iter(range(1, 20))))
    assert said in failed.value.message
    assert not helpers()


def test_there_is_a_core() -> None:
    assert 1 <= cores() <= 8
