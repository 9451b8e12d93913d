"""The words of every text, each text read once, and kept in a file so that a later pairing reads only what is new."""

from __future__ import annotations

import hashlib
import os
import unicodedata
import zipfile
from array import array
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy

_KEY = 16  # bytes


class Spoken:
    """Words as numbers: `vocabulary` gives each word its own, in order; `rows` says where the words of the text with a key are."""

    def __init__(self) -> None:
        self.vocabulary: dict[str, int] = {}
        self.rows: dict[bytes, int] = {}
        self.offsets = array("q", [0])
        self.ids = array("I")
        self._asked: list[int] = []
        self._kept = 0

    def words(self, texts: Iterable[str], read: Callable[[str], Iterable[str]]) -> tuple[numpy.ndarray, numpy.ndarray]:
        """All words of `texts`, one text after the other, and where each text begins; `read` gives the words of a text not known yet."""
        import numpy

        self._asked = [self._row(text, read) for text in texts]
        rows = numpy.array(self._asked, dtype=numpy.int64)
        offsets = numpy.array(self.offsets, dtype=numpy.int64)
        sizes = offsets[rows + 1] - offsets[rows]
        starts = numpy.concatenate(([0], numpy.cumsum(sizes)))
        places = numpy.arange(starts[-1]) + numpy.repeat(offsets[rows] - starts[:-1], sizes)
        return numpy.array(self.ids, dtype=numpy.uint32)[places], starts

    def _row(self, text: str, read: Callable[[str], Iterable[str]]) -> int:
        key = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY).digest()
        row = self.rows.get(key)
        if row is None:
            row = self.rows[key] = len(self.offsets) - 1
            known = self.vocabulary
            self.ids.extend([known.setdefault(word, len(known)) for word in read(text)])
            self.offsets.append(len(self.ids))
        return row

    @classmethod
    def load(cls, path: Path, rules: str) -> Spoken:
        """What `save` wrote under the same `rules`; empty where there is nothing, or nothing that can be trusted."""
        import numpy

        found = cls()
        try:
            with numpy.load(path, allow_pickle=False) as file:  # each part of the file has a checksum
                if str(file["rules"]) != _mark(rules):
                    return found
                keys, offsets, ids = file["keys"].tobytes(), file["offsets"], file["ids"]
                vocabulary = bytes(file["vocabulary"]).decode().split("\n")
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return found
        found.vocabulary = {word: number for number, word in enumerate(vocabulary)}
        found.rows = {keys[at : at + _KEY]: at // _KEY for at in range(0, len(keys), _KEY)}
        found.offsets, found.ids = array("q", offsets.tobytes()), array("I", ids.tobytes())
        found._kept = len(found.rows)
        return found

    def save(self, path: Path, rules: str) -> None:
        """Keep what the last `words` asked for, unless the file has just that. Where it cannot be written the next pairing takes longer."""
        import numpy

        asked = sorted(set(self._asked))
        if len(asked) == self._kept == len(self.rows):
            return
        rows = numpy.array(asked, dtype=numpy.int64)
        offsets, ids = numpy.array(self.offsets, dtype=numpy.int64), numpy.array(self.ids, dtype=numpy.uint32)
        sizes = offsets[rows + 1] - offsets[rows]
        starts = numpy.concatenate(([0], numpy.cumsum(sizes)))
        ids = ids[numpy.arange(starts[-1]) + numpy.repeat(offsets[rows] - starts[:-1], sizes)]
        used = numpy.zeros(len(self.vocabulary), dtype=bool)
        used[ids] = True
        words = [word for word, is_used in zip(self.vocabulary, used.tolist(), strict=True) if is_used]
        by_row = {row: key for key, row in self.rows.items()}
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(exist_ok=True)
            with part.open("wb") as file:
                numpy.savez(
                    file, rules=numpy.array(_mark(rules)), keys=numpy.frombuffer(b"".join(by_row[row] for row in asked), dtype=numpy.uint8),
                    offsets=starts, ids=(numpy.cumsum(used) - 1).astype(numpy.uint32)[ids],
                    vocabulary=numpy.frombuffer("\n".join(words).encode(), dtype=numpy.uint8),
                )  # fmt: skip
            os.replace(part, path)
        except OSError:
            part.unlink(missing_ok=True)


def _mark(rules: str) -> str:
    """Another one where words would be cut or folded differently."""
    return hashlib.blake2b(f"{rules} {unicodedata.unidata_version}".encode(), digest_size=16).hexdigest()
