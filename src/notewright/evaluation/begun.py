"""Drafts of an evaluation that did not come to its end, kept one by one as they were written, so that the next one goes on with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Written:
    """A draft as an engine gives it."""

    text: str
    tokens: int
    finished: bool


class Begun:
    """The file at `path`: a draft a line. Those of another `makeup` are not seen; without one, nothing is kept."""

    def __init__(self, path: Path, makeup: str) -> None:
        self._path, self._makeup = path, makeup

    def drafts(self) -> dict[str, Written]:
        """By what was asked."""
        return dict(self._read()) if self._makeup else {}

    def keep(self, prompt: str, draft: Written) -> None:
        if self._makeup:
            row = {"makeup": self._makeup, "prompt": prompt, **asdict(draft)}
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"\n{json.dumps(row, ensure_ascii=False)}")  # the line before may have been cut off

    def done(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _read(self) -> Iterator[tuple[str, Written]]:
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").split("\n")
        except FileNotFoundError:
            return
        for line in lines:
            with suppress(ValueError, KeyError, TypeError):
                row = json.loads(line)
                if row.pop("makeup") == self._makeup:
                    yield row.pop("prompt"), Written(**row)
