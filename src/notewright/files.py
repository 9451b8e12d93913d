"""Files and folders of our own that are there whole or not at all: written beside their place, then renamed into it; and files that one
process has to itself.

What is killed meanwhile leaves what was there before and a `.part`, which the next one overwrites. The person's notes have rules of their
own (`vault.atomic`).
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

TRIES, PAUSE = 5, 0.05  # who only looks has the lock for a moment


def private(folder: Path) -> None:
    """Make a folder that only its owner can look into; one that is there already stays as open as its owner has left it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write the file that is to stand at `path`: synced, it gets there when the block ends; where the block fails it goes."""
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        with part.open("r+b") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """The same for a folder: an empty one to fill, which then replaces what stands at `path`."""
    part = path.with_name(f".{path.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        shutil.rmtree(path, ignore_errors=True)
        os.replace(part, path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def put(path: Path, text: str) -> None:
    """Write a text as it is, whole, and the folders it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as part:
        part.write_text(text, encoding="utf-8", newline="")


def taken(file: FileIO, tries: int = TRIES) -> bool:
    """Whether the lock could be had to the exclusion of all others, within a few tries."""
    for _ in range(tries - 1):
        if locked(file):
            return True
        time.sleep(PAUSE)
    return locked(file)


def locked(file: FileIO, *, shared: bool = False) -> bool:
    """Whether the lock could be had; it goes when the file is closed. Several may share it to look."""
    try:
        if os.name == "posix":
            import fcntl

            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        else:
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    return True
