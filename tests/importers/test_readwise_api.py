"""The Readwise network, played by a real HTTP server on loopback: pages, pace, patience, deletions, the cursor, the token."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import keyring
import keyring.backend
import keyring.backends.fail
import pytest

from fake_readwise import TOKEN, FakeReadwise
from notewright.errors import Invalid, Unavailable
from notewright.importers import import_api
from notewright.importers.readwise_api import CURSOR, find_token, forget_token, save_token, token_place
from notewright.library import Library
from notewright.settings import Settings


@pytest.fixture
def readwise() -> Iterator[FakeReadwise]:
    server = FakeReadwise()
    for book in range(1, 6):
        for number in range(3):
            server.put(book, book * 10 + number, f"Highlight {book}-{number}", f"2024-01-0{book}T00:00:00.00000{number}Z")
    yield server
    server.close()


@pytest.fixture
def slept() -> list[float]:
    return []


def sync(library: Library, readwise: FakeReadwise, slept: list[float], **more: Any) -> Any:
    return import_api(library, token=TOKEN, base_url=readwise.url, sleep=slept.append, **more)


def test_the_first_import_takes_all_pages(library: Library, readwise: FakeReadwise, slept: list[float]) -> None:
    seen: list[tuple[int, int | None, str]] = []
    report = sync(library, readwise, slept, progress=lambda *step: seen.append(step))
    assert (report.origin, report.sources_added, report.added) == ("api", 5, 15)
    assert [item.get("pageCursor") for item in readwise.requests] == [None, "2", "4"]
    assert all(item["includeDeleted"] == "true" and item["path"] == "/api/v2/export/" for item in readwise.requests)
    assert library.sources.get_state(CURSOR) == "2024-01-05T00:00:00.000002+00:00"
    assert seen[-1] == (15, 15, "storing highlights")
    assert slept == []


def test_the_next_import_asks_for_changes_and_then_for_whole_books(library: Library, readwise: FakeReadwise, slept: list[float]) -> None:
    sync(library, readwise, slept)
    assert not sync(library, readwise, slept).changed
    readwise.requests.clear()
    readwise.put(2, 21, "Edited", "2024-02-01T00:00:00.000000Z", tags=[{"id": 1, "name": "new"}])
    readwise.put(3, 30, "Highlight 3-0", "2024-02-02T00:00:00.000000Z", is_deleted=True)
    readwise.put(3, 39, "Added", "2024-02-03T00:00:00.000000Z")
    report = sync(library, readwise, slept)
    assert (report.added, report.updated, report.removed, report.unchanged) == (1, 1, 1, 4)
    assert readwise.requests[0]["updatedAfter"] == "2024-01-05T00:00:00.000002+00:00"
    assert readwise.requests[1]["ids"] == "2,3"
    assert "updatedAfter" not in readwise.requests[1]
    assert library.sources.highlight("readwise:21").tags == ("new",)
    assert library.sources.get_state(CURSOR) == "2024-02-03T00:00:00.000000+00:00"
    readwise.requests.clear()
    assert not sync(library, readwise, slept, full=True).changed
    assert "updatedAfter" not in readwise.requests[0]


def test_ids_go_in_chunks_of_a_hundred(library: Library, readwise: FakeReadwise, slept: list[float]) -> None:
    sync(library, readwise, slept)
    for book in range(100, 205):
        readwise.put(book, book * 10, "Text", "2024-03-01T00:00:00.000000Z")
    readwise.requests.clear()
    assert sync(library, readwise, slept).added == 105
    assert sorted({len(item["ids"].split(",")) for item in readwise.requests if "ids" in item}) == [5, 100]


def test_at_most_twenty_requests_a_minute(library: Library, readwise: FakeReadwise, slept: list[float]) -> None:
    for book in range(100, 150):
        readwise.put(book, book * 10, "Text", "2024-03-01T00:00:00.000000Z")
    sync(library, readwise, slept)
    assert len(readwise.requests) == 28
    assert len(slept) == 8
    assert all(50 < wait <= 60 for wait in slept)


def test_too_many_requests_waits_as_told(library: Library, readwise: FakeReadwise, slept: list[float]) -> None:
    readwise.script = [(429, {"Retry-After": "7"}, b""), (503, {}, b""), (502, {}, b"")]
    assert sync(library, readwise, slept).added == 15
    assert slept == [7.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("told", "wait"),
    [
        ("nan", 60), ("-nan", 60), ("inf", 900), ("-inf", 1), ("-5", 1), ("1e400", 900), ("9" * 5000, 900), ("soon", 60), ("", 60),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 1), ("Fri, 31 Dec 9999 23:59:59 -2300", 900), ("Mon, 01 Jan 0001 00:00:00 +2300", 1),
        ("Mon, 32 Jan 2024 25:61:00 GMT", 60), (f"Wed, 21 Oct {'9' * 5000} 07:28:00 GMT", 60),
    ],
)  # fmt: skip
def test_a_wait_that_is_none_ends(library: Library, readwise: FakeReadwise, slept: list[float], told: str, wait: float) -> None:
    readwise.script = [(429, {"Retry-After": told}, b"")]
    assert sync(library, readwise, slept).added == 15
    assert slept == [wait]


@pytest.mark.parametrize(
    "told",
    [
        "yesterday", "", "nan", "Mon, 32 Jan 2024 25:61:00 GMT", "Fri, 31 Dec 9999 23:59:59 -2300",
        "Wed, 21 Oct 2015 07:28:00 -9999", f"Wed, 21 Oct {'9' * 5000} 07:28:00 GMT",
    ],
)  # fmt: skip
def test_a_date_that_is_none_stops_no_import(library: Library, readwise: FakeReadwise, slept: list[float], told: str) -> None:
    readwise.script = [(200, {"Date": told}, json.dumps(readwise.page({})).encode())]
    assert sync(library, readwise, slept).added == 15
    assert library.sources.get_state(CURSOR) == "2024-01-05T00:00:00.000002+00:00"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ([(500, {}, b"")] * 9, "does not answer after 6 tries"),
        ([(429, {}, b"")] * 9, "429"),
        ([(401, {}, b"{}")], "refused the token"),
        ([(404, {}, b"nothing here")], "404: nothing here"),
        ([(404, {"Content-Type": "text/plain; charset=rot13"}, b"nothing here")], "404: nothing here"),
        ([(200, {}, b"<html>log in</html>")], "no export"),
        ([(200, {}, b'{"results": ' + b"[" * 100_000)], "no export"),
        ([(200, {}, b'{"results": [{"title": 5, "highlights": []}]}')], "cannot be read"),
    ],
)
def test_trouble_changes_nothing(
    library: Library, readwise: FakeReadwise, slept: list[float], script: list[tuple[int, dict[str, str], bytes]], expected: str
) -> None:
    first_page = json.dumps(readwise.page({})).encode()
    readwise.script = [(200, {}, first_page), *script]
    with pytest.raises(Unavailable, match=expected) as caught:
        sync(library, readwise, slept)
    assert caught.value.hint
    assert TOKEN not in caught.value.message + caught.value.hint
    assert library.sources.all() == []
    assert library.sources.get_state(CURSOR) == ""


def test_a_refused_connection_is_tried_again_and_told(library: Library, slept: list[float]) -> None:
    with pytest.raises(Unavailable, match="6 tries"):
        import_api(library, token=TOKEN, base_url="http://127.0.0.1:1", sleep=slept.append)
    assert slept == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_no_token_is_told(library: Library) -> None:
    with pytest.raises(Unavailable, match="No Readwise token"):
        import_api(library, token=" ")


@pytest.mark.parametrize("token", ["“secret”", "abc\nsecret", "abc\tsecret", "abc\x01secret", "two words"])
def test_a_badly_copied_token_is_told_and_never_shown(library: Library, readwise: FakeReadwise, token: str) -> None:
    with pytest.raises(Invalid) as caught:
        import_api(library, token=token, base_url=readwise.url)
    assert "secret" not in f"{caught.value.message} {caught.value.hint}"
    assert readwise.requests == []


def test_what_a_broken_connection_quotes_is_not_shown(
    library: Library, readwise: FakeReadwise, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise httpx.LocalProtocolError(f"Illegal header value b'Token {TOKEN}'")

    monkeypatch.setattr(httpx.Client, "get", fail)
    with pytest.raises(Unavailable, match="LocalProtocolError") as caught:
        sync(library, readwise, slept)
    assert TOKEN not in caught.value.message


class MemoryKeyring(keyring.backend.KeyringBackend):
    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[(service, username)] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[(service, username)]


@pytest.fixture
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("NOTEWRIGHT_READWISE_TOKEN", raising=False)
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    yield
    keyring.set_keyring(before)


@pytest.mark.usefixtures("no_keyring")
def test_without_a_keyring_the_token_is_in_a_private_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(home=home)
    assert (find_token(settings), token_place(settings), forget_token(settings)) == ("", "", False)
    assert save_token(settings, f" {TOKEN}\n") == str(home / "readwise-token")
    assert find_token(settings) == TOKEN
    if os.name == "posix":
        assert stat.S_IMODE((home / "readwise-token").stat().st_mode) == 0o600
        (home / "readwise-token").chmod(0o644)
        with pytest.raises(Invalid, match="read by others"):
            find_token(settings)
        (home / "readwise-token").chmod(0o600)
    monkeypatch.setenv("READWISE_TOKEN", "from-the-environment")
    assert find_token(settings) == "from-the-environment"
    assert "READWISE_TOKEN" in token_place(settings)
    monkeypatch.delenv("READWISE_TOKEN")
    assert forget_token(settings)
    assert find_token(settings) == ""


@pytest.mark.usefixtures("no_keyring")
def test_the_keyring_comes_before_the_file(home: Path) -> None:
    settings = Settings(home=home)
    save_token(settings, "in-the-file")
    keyring.set_keyring(MemoryKeyring())
    assert save_token(settings, TOKEN) == "the system keyring"
    assert not (home / "readwise-token").exists()
    assert (find_token(settings), token_place(settings)) == (TOKEN, "the system keyring")
    assert forget_token(settings)
    assert find_token(settings) == ""


@pytest.mark.parametrize("token", ["", "two words"])
def test_a_token_is_one_word(home: Path, token: str) -> None:
    with pytest.raises(Invalid):
        save_token(Settings(home=home), token)
