"""Looking at the vault for changes: notes read whole, passages found again in other notes, and a stream of changed paths."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from unicodedata import normalize

from ..errors import Unavailable
from .files import locate
from .follow import Followed, Spans, find, passage_text
from .places import is_in_the_cloud

STEP = 0.5  # seconds between looks at the clock and at `stop`


def read_note(root: Path, note_path: str) -> tuple[bytes, float] | None:
    """Bytes and modification time (seconds) of the note at vault-relative `note_path`; None where there is no such file."""
    try:
        file = locate(root, note_path)
        if file.with_name(f".{file.name}.icloud").exists() or (file.exists() and is_in_the_cloud(file.stat())):
            raise Unavailable(f"{note_path} is in the cloud and not on this machine.", "Open it in Obsidian, so that it is downloaded.")
        if file.is_symlink() or not file.is_file():
            return None
        before = file.stat().st_mtime
        return file.read_bytes(), before
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unavailable(f"{root / note_path} cannot be read: {error.strerror}.", "Check the file's permissions.") from error


class Sought:
    """A passage as it is looked for in other notes: the one that stood at `spans` of the note `before`."""

    def __init__(self, before: bytes, spans: Spans) -> None:
        self.before, self.spans = before, spans
        self._words = _rare(passage_text(before, spans))

    def may_be_in(self, folded: str) -> bool:
        """Is at least half of the passage's longest words in a note's case-folded text? Only then it need be looked at closely."""
        missing = 0
        for word in self._words:
            missing += word not in folded
            if missing * 2 > len(self._words):
                return False
        return len(set(self._words).intersection(re.findall(r"\w+", folded))) * 2 >= len(self._words) > 0

    def find(self, data: bytes, *, without: Spans = ()) -> Followed | None:
        """Where it stands in a note; what stands at the spans `without` is not it."""
        return find(self.before, self.spans, data, without=without)


def folded(data: bytes) -> str:
    return data.decode("utf-8", errors="replace").casefold()


def is_readable(data: bytes) -> bool:
    """Is it UTF-8? A note that another program saved as UTF-16 is no text to us, though it may happen to decode."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return data.count(b"\0") * 4 <= len(data)


def _rare(text: str) -> list[str]:
    """Up to forty of the longest words: a note without half of them need not be looked at closely."""
    return sorted(set(re.findall(r"\w+", text.casefold())), key=lambda word: (-len(word), word))[:40]


def changes(root: Path, *, stop: threading.Event, wait: Callable[[], float], polling: bool | None = None) -> Iterator[frozenset[str]]:
    """Vault-relative paths that changed (notes, or folders that were renamed), as they change; an empty set when `wait()` seconds passed.

    Ends when `stop` is set. Where the system cannot notify (network drives, too many folders) files are polled; `polling` asks for one of
    the two. Raises Unavailable when neither works.
    """
    import watchfiles

    def asked(_: object, path: str) -> bool:
        inside = Path(path).relative_to(root).parts if Path(path).is_relative_to(root) else ()
        return not any(part.startswith(".") for part in inside)

    for force in (False, True) if polling is None else (polling,):
        try:
            waited = 0.0
            for batch in watchfiles.watch(
                root, watch_filter=asked, stop_event=stop, rust_timeout=int(STEP * 1000), yield_on_timeout=True, raise_interrupt=False,
                force_polling=force, debounce=500, ignore_permission_denied=True,
            ):  # fmt: skip
                waited = 0.0 if batch else waited + STEP
                if batch or waited >= wait():
                    waited = 0.0
                    yield frozenset(normalize("NFC", Path(path).relative_to(root).as_posix()) for _, path in batch)
            return
        except (OSError, RuntimeError) as error:
            if force or polling is not None:
                raise Unavailable(f"{root} cannot be watched: {error}.", "Look now and then with: notewright sync") from error
