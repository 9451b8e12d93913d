"""The words of every text, each text read once, and kept in a file so that a later pairing reads only what is new."""

from __future__ import annotations

import hashlib
import os
import unicodedata
import zipfile
from array import array
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy

_KEY = 16  # bytes
_FEW = 200  # one text in so many is no reason to write all of them


class _Numbers(dict[str, int]):
    """Each new word gets the next number."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number


class Spoken:
    """Words as numbers: `vocabulary` gives each word its own, in order; `rows` says where the words of the text with a key are."""

    def __init__(self) -> None:
        self.vocabulary = _Numbers()
        self.rows: dict[bytes, int] = {}
        self.offsets = array("q", [0])
        self.ids = array("I")
        self._asked: set[bytes] = set()
        self._kept = 0

    def words(self, texts: Sequence[str], read: Callable[[str], Iterable[str]]) -> tuple[numpy.ndarray, numpy.ndarray, list[bytes]]:
        """All words of `texts`, one text after the other; where each text begins; and its hash. `read` gives the words of a new text."""
        empty = _key("")  # most annotations
        keys = [_key(text) if text else empty for text in texts]
        for key, text in zip(keys, texts, strict=True):
            if key not in self.rows:
                self._add(key, read(text))
        self._asked = set(keys)
        return *self._gather([self.rows[key] for key in keys]), keys

    def _add(self, key: bytes, words: Iterable[str]) -> None:
        self.rows[key] = len(self.offsets) - 1
        self.ids.extend(map(self.vocabulary.__getitem__, words))
        self.offsets.append(len(self.ids))

    def _gather(self, rows: Sequence[int]) -> tuple[numpy.ndarray, numpy.ndarray]:
        """The words of these rows, and where each begins among them."""
        import numpy

        wanted, offsets = numpy.array(rows, dtype=numpy.int64), numpy.array(self.offsets, dtype=numpy.int64)
        sizes = offsets[wanted + 1] - offsets[wanted]
        starts = numpy.concatenate(([0], numpy.cumsum(sizes)))
        places = numpy.arange(starts[-1]) + numpy.repeat(offsets[wanted] - starts[:-1], sizes)
        return numpy.array(self.ids, dtype=numpy.uint32)[places], starts

    @classmethod
    def load(cls, path: Path, rules: str) -> Spoken:
        """What `save` wrote under the same `rules`; empty where there is nothing, or nothing that can be trusted."""
        import numpy

        found = cls()
        try:
            with path.open("rb") as opened, numpy.load(opened, allow_pickle=False) as file:  # each part of the file has a checksum
                if str(file["rules"]) != _mark(rules):
                    return found
                keys, offsets, ids = file["keys"].tobytes(), file["offsets"], file["ids"]
                vocabulary = bytes(file["vocabulary"]).decode().split("\n")
        except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile):
            return found  # RuntimeError: one wrong bit makes a part of the file "encrypted"
        found.vocabulary = _Numbers({word: number for number, word in enumerate(vocabulary)})
        found.rows = {keys[at : at + _KEY]: at // _KEY for at in range(0, len(keys), _KEY)}
        found.offsets, found.ids = array("q", offsets.tobytes()), array("I", ids.tobytes())
        found._kept = len(found.rows)
        return found

    def save(self, path: Path, rules: str) -> None:
        """Keep what the last `words` asked for, unless the file has nearly that. Where it cannot be written the next pairing is slower."""
        import numpy

        unkept, unasked = len(self.rows) - self._kept, len(self.rows) - len(self._asked)
        if max(unkept, unasked) * _FEW <= self._kept:  # to read these again takes less than to write them all
            return
        keys = sorted(self._asked)
        ids, starts = self._gather([self.rows[key] for key in keys])
        used = numpy.zeros(len(self.vocabulary), dtype=bool)
        used[ids] = True
        words = [word for word, is_used in zip(self.vocabulary, used.tolist(), strict=True) if is_used]
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(exist_ok=True)
            with part.open("wb") as file:
                numpy.savez(
                    file, rules=numpy.array(_mark(rules)), keys=numpy.frombuffer(b"".join(keys), dtype=numpy.uint8),
                    offsets=starts, ids=(numpy.cumsum(used) - 1).astype(numpy.uint32)[ids],
                    vocabulary=numpy.frombuffer("\n".join(words).encode(), dtype=numpy.uint8),
                )  # fmt: skip
            os.replace(part, path)
        except OSError:
            with suppress(OSError):
                part.unlink()


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_KEY).digest()


def _mark(rules: str) -> str:
    """Another one where words would be cut or folded differently."""
    return hashlib.blake2b(f"{rules} {unicodedata.unidata_version}".encode(), digest_size=16).hexdigest()
