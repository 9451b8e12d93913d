"""A bundled sample: invented highlights in every export shape, and the vault of the invented person who made them.

`content/` holds what was written by hand, `build.py` renders it, `data/` is the committed result:

- `data/readwise.csv`, `data/readwise-api.json`, `data/Readwise/`: the same highlights, exported three ways
- `data/vault/`: an Obsidian vault with finished notes in one steady style, and notes that have nothing to do with them
"""

from __future__ import annotations

import importlib.resources
from importlib.resources.abc import Traversable
from pathlib import Path

from notewright.errors import Invalid, NotFound


def copy_sample(into: Path) -> Path:
    """Copy the sample tree into `into`, a new or an empty folder, and return that folder."""
    into = Path(into)
    if into.exists() and not into.is_dir():
        raise Invalid(f"{into} is a file, not a folder.", hint="Name a new or an empty folder for the sample.")
    if into.is_dir() and any(into.iterdir()):
        raise Invalid(f"{into} is not empty, so nothing was copied.", hint="Name a new or an empty folder.")
    data = importlib.resources.files(__name__) / "data"
    if not (data / "readwise-api.json").is_file():
        raise NotFound("The bundled sample is missing.", hint="Rebuild it: python -m notewright.sample.build")
    into.mkdir(parents=True, exist_ok=True)
    _copy(data, into)
    return into


def _copy(source: Traversable, target: Path) -> None:
    for entry in sorted(source.iterdir(), key=lambda item: item.name):
        destination = target / entry.name
        if entry.is_dir():
            destination.mkdir(exist_ok=True)
            _copy(entry, destination)
        else:
            destination.write_bytes(entry.read_bytes())
