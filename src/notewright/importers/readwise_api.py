"""The Readwise network, and the only place that talks to it: fetch `/api/v2/export/` at its pace, remember how far we are.

The first fetch takes everything. Later ones ask for what was updated after the cursor, and then for all highlights of those sources, since
the first answer holds only the changed ones. The cursor is the highest `updated_at` the server named, saved only after a complete set was
stored: an interrupted import is simply begun again. Some edits do not touch that time, so a full fetch now and then (`full`) is worth it.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from ..errors import Invalid, Unavailable
from ..files import private
from ..library import Library
from ..library.database import now
from ..records import ImportReport, Source
from ..settings import Settings, require_private
from ..text import count
from .api_export import CARRIES, BadShape, joined, read_book
from .marks import exact_time

if TYPE_CHECKING:
    import httpx

BASE_URL = "https://readwise.io"
CURSOR = "readwise.updated_after"
TOKEN_PAGE = "https://readwise.io/access_token"
TOKEN_VARIABLES = ("READWISE_TOKEN", "NOTEWRIGHT_READWISE_TOKEN")
PER_MINUTE = 20
IDS_AT_ONCE = 100
PATIENCE = 6  # tries of one request
LONGEST_WAIT = 15 * 60.0
_SERVICE, _USER = "notewright", "readwise-token"
_FILE = "readwise-token"

Progress = Callable[[int, int | None, str], None]


def import_api(
    library: Library,
    *,
    token: str,
    full: bool = False,
    progress: Progress | None = None,
    base_url: str = BASE_URL,
    sleep: Callable[[float], None] = time.sleep,
) -> ImportReport:
    """Bring the library up to date with Readwise. Raises Unavailable; then nothing was changed and the next try starts where this did."""
    token = token.strip()
    if not token:
        raise Unavailable("No Readwise token is set.", f"Take it from {TOKEN_PAGE}, then: notewright token set (or set READWISE_TOKEN).")
    _check(token)
    since = "" if full else library.sources.get_state(CURSOR)
    asked_at = now()
    with _Client(base_url, token, sleep, progress) as client:
        books = client.books({"updatedAfter": since} if since else {})
        incomplete: list[Source] = []
        # What changes from here on may be in some answers and not in others: the next import asks for it.
        seen = max((item.updated_at for source in books.values() for item in source.highlights), default="")
        seen = min(seen, client.date or seen)
        if since and books:
            books, incomplete = _whole(client, books)
    sources = list(books.values())
    total = sum(len(source.highlights) for source in sources)
    report = library.sources.upsert(
        sources, origin="api", complete=True, carries=CARRIES, asked_at=asked_at,
        progress=(lambda done: progress(done, total, "storing highlights")) if progress else None,
    )  # fmt: skip
    warnings = list(client.warnings)
    if incomplete:
        warnings.append(f"{count(len(incomplete), 'source')} came without all highlights: they are asked for again next time")
    elif seen > library.sources.get_state(CURSOR):
        library.sources.set_state(CURSOR, seen)
    return replace(report, warnings=tuple(warnings))


def _whole(client: _Client, changed: dict[str, Source]) -> tuple[dict[str, Source], list[Source]]:
    """All highlights of the changed sources; and those that the server did not give whole."""
    ids = [key.removeprefix("readwise:") for key in changed if key.startswith("readwise:")]
    whole: dict[str, Source] = {}
    for start in range(0, len(ids), IDS_AT_ONCE):
        whole |= client.books({"ids": ",".join(ids[start : start + IDS_AT_ONCE])})
    incomplete = []
    for key, first in changed.items():
        if key in whole:
            given = {highlight.outside_ids for highlight in whole[key].highlights}
            gone = tuple(item for item in first.highlights if item.is_deleted and item.outside_ids not in given)
            whole[key] = replace(whole[key], highlights=whole[key].highlights + gone)
        elif first.is_deleted:
            whole[key] = first
        else:
            incomplete.append(first)
    return whole, incomplete


class _Client:
    """Paced, patient GETs. The token is sent and never shown."""

    def __init__(self, base_url: str, token: str, sleep: Callable[[float], None], progress: Progress | None) -> None:
        import httpx

        headers = {"Authorization": f"Token {token}", "User-Agent": "notewright"}
        self._http = httpx.Client(base_url=base_url, headers=headers, timeout=httpx.Timeout(60, connect=15))
        self._sleep, self._progress = sleep, progress
        self._sent: deque[float] = deque(maxlen=PER_MINUTE)
        self._fetched = 0
        self.date = ""  # the server's, of its first answer
        self.warnings: list[str] = []

    def __enter__(self) -> _Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def books(self, parameters: Mapping[str, str]) -> dict[str, Source]:
        """All sources of a query over all its pages, by first outside id. A source split over pages is put together."""
        found: dict[str, Source] = {}
        for page in self._pages(parameters):
            for book in page["results"]:
                try:
                    source = read_book(book, self.warnings)
                except BadShape as bad:
                    raise Unavailable(f"Readwise sent a book that cannot be read: {bad.problem}", "Try again later.") from None
                key = source.outside_ids[0] if source.outside_ids else f"title:{source.title}|{source.author}"
                if key in found:
                    source = joined(found[key], source)
                else:
                    self._fetched += len(source.highlights)
                found[key] = source
            if self._progress:
                self._progress(self._fetched, None, "fetching highlights")
        return found

    def _pages(self, parameters: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        cursors: set[str] = set()
        cursor = ""
        while True:
            page = self._get({**parameters, "includeDeleted": "true", **({"pageCursor": cursor} if cursor else {})})
            yield page
            cursor = str(page.get("nextPageCursor") or "")
            if not cursor:
                return
            if cursor in cursors:
                raise Unavailable("Readwise gave the same page twice.", "Nothing was changed. Try again later.")
            cursors.add(cursor)

    def _get(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        import httpx

        trouble = ""
        for attempt in range(PATIENCE):
            self._pace()
            try:
                answer = self._http.get("/api/v2/export/", params=dict(parameters))
            except httpx.HTTPError as error:  # time-outs, refused and broken connections
                told = str(error) if not isinstance(error, httpx.ProtocolError) else ""  # may quote headers, and so the token
                trouble = f"{type(error).__name__}: {told}" if told else type(error).__name__
                wait = 2.0**attempt
            else:
                if answer.status_code == 200:
                    self.date = self.date or _date(answer)
                    return _page(answer)
                if answer.status_code in (401, 403):
                    raise Unavailable(f"Readwise refused the token ({answer.status_code}).", f"Take a fresh one from {TOKEN_PAGE}.")
                if answer.status_code != 429 and answer.status_code < 500:
                    told = answer.content[:200].decode(errors="replace")  # not `text`: the header may name any codec, or none that is one
                    raise Unavailable(f"Readwise answered {answer.status_code}: {told}", "Nothing changed. Try again later.")
                trouble = f"it answered {answer.status_code}"
                wait = _retry_after(answer) if answer.status_code == 429 else 2.0**attempt
            if attempt + 1 < PATIENCE:
                if self._progress and wait >= 2:
                    self._progress(self._fetched, None, f"waiting {wait:.0f} s for Readwise")
                self._sleep(wait)
        raise Unavailable(
            f"Readwise does not answer after {PATIENCE} tries: {trouble}.", "Nothing was changed. Check the network and import again."
        )

    def _pace(self) -> None:
        if len(self._sent) == PER_MINUTE:
            wait = self._sent[0] + 60 - time.monotonic()
            if wait > 0:
                self._sleep(wait)
        self._sent.append(time.monotonic())


def _page(answer: httpx.Response) -> dict[str, Any]:
    try:
        page = answer.json()
    except (ValueError, RecursionError):
        page = None
    if not isinstance(page, dict) or not isinstance(page.get("results"), list):
        raise Unavailable("Readwise sent something that is no export.", "Is a proxy or login page in between? Nothing was changed.")
    return page


def _date(answer: httpx.Response) -> str:
    """When it was given, as the server says; empty where it does not, or in no known form."""
    try:
        return exact_time(parsedate_to_datetime(answer.headers.get("Date", "")).isoformat())
    except (ValueError, OverflowError):
        return ""


def _retry_after(answer: httpx.Response) -> float:
    """Seconds to wait: a number, a date, or a minute where the header says nothing that can be waited for."""
    value = answer.headers.get("Retry-After", "")
    try:
        wait = float(value)
    except ValueError:
        try:
            wait = parsedate_to_datetime(value).timestamp() - time.time()
        except (ValueError, OverflowError):
            wait = math.nan
    return 60.0 if math.isnan(wait) else min(max(wait, 1.0), LONGEST_WAIT)


def find_token(settings: Settings) -> str:
    """The token from the environment, the system keyring, or the 0600 file in the home folder; empty where there is none."""
    return _token(settings)[0]


def token_place(settings: Settings) -> str:
    """Where the token is kept, in words and without showing it; empty where there is none."""
    return _token(settings)[1]


def _token(settings: Settings) -> tuple[str, str]:
    for name in TOKEN_VARIABLES:
        if value := os.environ.get(name, "").strip():
            return value, f"the environment ({name})"
    if value := _keyring_get():
        return value, "the system keyring"
    value = _file_get(settings)
    return value, str(settings.home / _FILE) if value else ""


def forget_token(settings: Settings) -> bool:
    """Remove the saved token from the keyring and the file. Returns whether there was one; the environment is not ours."""
    import keyring
    import keyring.errors

    found = False
    if _keyring_get():
        try:
            keyring.delete_password(_SERVICE, _USER)
            found = True
        except (keyring.errors.KeyringError, OSError, RuntimeError) as error:
            raise Unavailable(
                f"The system keyring does not let the token go: {error}", "Remove it in your keyring's own settings."
            ) from error
    path = settings.home / _FILE
    if path.exists():
        path.unlink()
        found = True
    return found


def save_token(settings: Settings, token: str) -> str:
    """Keep the token in the system keyring, or where there is none in a file only you can read. Returns where it went, in words."""
    token = token.strip()
    _check(token)
    path = settings.home / _FILE
    if _keyring_set(token):
        path.unlink(missing_ok=True)
        return "the system keyring"
    try:
        private(settings.home)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            if os.name == "posix":
                os.fchmod(file.fileno(), 0o600)
            file.write(token + "\n")
    except OSError as error:
        raise Unavailable(f"The token cannot be stored in {path}: {error.strerror}.", "Set READWISE_TOKEN instead.") from error
    return str(path)


def _check(token: str) -> None:
    """Raises Invalid for what no request can carry. It is not shown: part of it may be a token."""
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise Invalid("That is no Readwise token.", f"Copy it from {TOKEN_PAGE}: one word of letters and digits.")


def _keyring_get() -> str:
    import keyring
    import keyring.errors

    try:
        return (keyring.get_password(_SERVICE, _USER) or "").strip()
    except (keyring.errors.KeyringError, OSError, RuntimeError):
        return ""  # no keyring service on this machine, or it is locked


def _keyring_set(token: str) -> bool:
    import keyring
    import keyring.errors

    try:
        keyring.set_password(_SERVICE, _USER, token)
        return keyring.get_password(_SERVICE, _USER) == token
    except (keyring.errors.KeyringError, OSError, RuntimeError):
        return False


def _file_get(settings: Settings) -> str:
    path = settings.home / _FILE
    if not path.is_file():
        return ""
    require_private(path)
    return path.read_text(encoding="utf-8").strip()
