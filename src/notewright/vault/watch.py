"""Looking at the vault for changes: notes read whole, notes found again after a rename, and a stream of changed paths."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from unicodedata import normalize

from ..errors import Unavailable
from ..settings import Settings
from .config import read_config
from .files import iterate_notes, locate
from .follow import Followed, Spans, find, passage_text
from .places import is_in_the_cloud

STEP = 0.5  # seconds between looks at the clock and at `stop`


def read_note(root: Path, note_path: str) -> tuple[bytes, float] | None:
    """Bytes and modification time (seconds) of the note at vault-relative `note_path`; None where there is no such file."""
    file = locate(root, note_path)
    try:
        if file.with_name(f".{file.name}.icloud").exists() or (file.exists() and is_in_the_cloud(file.stat())):
            raise Unavailable(f"{note_path} is in the cloud and not on this machine.", "Open it in Obsidian, so that it is downloaded.")
        if file.is_symlink() or not file.is_file():
            return None
        before = file.stat().st_mtime
        return file.read_bytes(), before
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unavailable(f"{file} cannot be read: {error.strerror}.", "Check the file's permissions.") from error


def search(settings: Settings, before: bytes, spans: Spans, *, changed_since: float = 0.0) -> tuple[str, bytes, Followed] | None:
    """The note that holds the passage which stood at `spans` of the note `before`: its path, bytes and where in it.

    Of several the one with most of the passage, then the one most like the old note. Only notes whose file changed since that time
    (seconds) are read.
    """
    root = settings.need_vault()
    text = passage_text(before, spans)
    words = _rare(text)
    best: tuple[float, int, str, bytes, Followed] | None = None
    for note in iterate_notes(root, read_config(settings), exclude=settings.exclude):
        if note.mtime_ns / 1e9 < changed_since:
            continue
        try:
            data = note.file.read_bytes()
        except OSError:
            continue
        low = data.decode("utf-8", errors="replace").casefold()
        if sum(word in low for word in words) * 2 < len(words):
            continue
        found = find(before, spans, data)
        if found:
            rank = (found.share, -abs(len(data) - len(before)), note.path, data, found)
            best = rank if best is None or rank[:2] > best[:2] else best
    return best[2:] if best else None


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
