"""Who is let in: token and cookie, Host and Origin, sizes, headers."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from notewright.server import create_app
from notewright.server.gate import BODY_LIMIT, TOKEN_FILE, cookie_name, read_token, session
from small_world import World

HERE = "http://127.0.0.1:8765"


@pytest.fixture
def stranger(app: FastAPI):
    with TestClient(app, base_url=HERE, follow_redirects=False) as opened:
        yield opened


def token(app: FastAPI) -> str:
    return app.state.context.token


def test_the_token_is_kept_for_its_owner_only_and_stays(app: FastAPI, world: World) -> None:
    path = world.library.home / TOKEN_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().strip() == token(app) == token(create_app(world.settings))
    assert len(token(app)) >= 40
    path.chmod(0o644)
    create_app(world.settings)
    assert path.stat().st_mode & 0o777 == 0o600


def test_first_starts_at_once_hold_the_same_token(tmp_path: Path) -> None:
    for turn in range(30):
        home, together = tmp_path / f"home-{turn}", threading.Barrier(4)

        def start(_: int, home: Path = home, together: threading.Barrier = together) -> str:
            together.wait()
            return read_token(home)

        with ThreadPoolExecutor(4) as pool:
            found = set(pool.map(start, range(4)))
        assert found == {(home / TOKEN_FILE).read_text().strip()}
        assert [path.name for path in home.iterdir()] == [TOKEN_FILE]


@pytest.mark.parametrize("left", ["", "half-of-one"])
def test_what_is_no_token_is_replaced(tmp_path: Path, left: str) -> None:
    (tmp_path / TOKEN_FILE).write_text(left)
    made = read_token(tmp_path)
    assert len(made) >= 40
    assert made == read_token(tmp_path)
    assert (tmp_path / TOKEN_FILE).stat().st_mode & 0o777 == 0o600


def test_a_file_system_without_hard_links_keeps_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("os.link", none)
    assert read_token(tmp_path) == read_token(tmp_path) == (tmp_path / TOKEN_FILE).read_text().strip()


@pytest.mark.parametrize("path", ["/api/status", "/api/sources", "/api/events", "/v1/models", "/api/nowhere"])
def test_without_a_token_nothing_is_told(stranger: TestClient, path: str) -> None:
    for headers in (
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": "Bearer \u00e9".encode("latin-1")},
        {"authorization": "Basic x"},
    ):
        response = stranger.get(path, headers=headers)
        assert response.status_code == 401
        assert "rivers" not in response.text.lower()


def test_the_health_check_and_the_page_need_none(stranger: TestClient) -> None:
    assert stranger.get("/api/health").json()["name"] == "notewright"
    assert stranger.get("/").status_code == stranger.get("/drafts/some/where").status_code == 200


def test_the_link_logs_a_browser_in(app: FastAPI, stranger: TestClient) -> None:
    answer = stranger.get(f"/login?token={token(app)}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert token(app) not in cookie
    assert stranger.get("/api/status").status_code == 200
    assert stranger.post("/api/undo", json={}).status_code == 403  # no Origin: not from the studio
    own = {"origin": HERE}
    assert stranger.post("/api/undo", json={}, headers=own).status_code == 404
    assert stranger.post("/api/logout", headers=own).status_code == 204
    assert stranger.get("/api/status").status_code == 401


@pytest.mark.parametrize(
    "other", ['prefs={"theme": "dark"}', "flag", "version=1", 'x="unclosed', "when=1 Jan, 10:00", "notewright-8765=old"]
)
def test_cookies_of_other_programs_of_this_machine_log_nobody_out(app: FastAPI, stranger: TestClient, other: str) -> None:
    own = f"{cookie_name(HERE.partition('://')[2])}={session(token(app))}"
    for cookie in (f"{other}; {own}", f"{own}; {other}"):
        assert stranger.get("/api/status", headers={"cookie": cookie}).status_code == 200
    assert stranger.get("/api/status", headers={"cookie": other}).status_code == 401


def test_a_wrong_link_says_so(stranger: TestClient) -> None:
    for answer in (stranger.get("/login?token=x"), stranger.post("/login", data={"token": "\u00e9"})):
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
        assert "not this server" in answer.text


def test_the_cookie_outlives_a_restart(app: FastAPI, stranger: TestClient, world: World) -> None:
    stranger.get(f"/login?token={token(app)}")
    with TestClient(create_app(world.settings), base_url=HERE, cookies=stranger.cookies) as again:
        assert again.get("/api/status").status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8765", 200), ("localhost:1", 200), ("[::1]:8765", 200), ("192.168.1.5:8765", 200), ("notes.example", 200),
        ("evil.example", 403), ("127.0.0.1.evil.example", 403), ("localhost.evil.example:8765", 403), ("", 403), ("[::1", 403),
    ],
)  # fmt: skip
def test_only_our_own_names_are_answered(world: World, host: str, status: int) -> None:
    with TestClient(create_app(world.settings, hosts=["notes.example"]), base_url=HERE) as opened:
        assert opened.get("/api/health", headers={"host": host}).status_code == status


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "app://obsidian.md.evil", "file://", "http://localhost:3000"]
)
def test_other_sites_are_refused_even_with_a_cookie_or_token(app: FastAPI, stranger: TestClient, origin: str) -> None:
    stranger.get(f"/login?token={token(app)}")
    for more in ({}, {"authorization": f"Bearer {token(app)}"}):
        answer = stranger.post("/api/undo", json={}, headers={"origin": origin, **more})
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origin", ["app://obsidian.md", "capacitor://localhost", "http://localhost"])
def test_obsidian_may_ask_with_the_token_only(app: FastAPI, stranger: TestClient, origin: str) -> None:
    asked = {"origin": origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    before = stranger.options("/api/drafts", headers=asked)
    assert before.status_code == 204
    assert before.headers["access-control-allow-origin"] == origin
    assert {"authorization", "idempotency-key"} <= set(before.headers["access-control-allow-headers"].split(", "))
    stranger.get(f"/login?token={token(app)}")
    assert stranger.get("/api/status", headers={"origin": origin}).status_code == 401  # the browser's cookie is not Obsidian's
    answer = stranger.get("/api/status", headers={"origin": origin, "authorization": f"Bearer {token(app)}"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, origin)
    assert "access-control-allow-credentials" not in answer.headers


def test_a_preflight_of_another_site_gets_no_leave(stranger: TestClient) -> None:
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    assert "access-control-allow-origin" not in stranger.options("/api/drafts", headers=asked).headers


@pytest.mark.parametrize("path", ["/", "/login", "/api/health", "/api/status", "/assets/none.js"])
def test_every_answer_carries_the_security_headers(stranger: TestClient, path: str) -> None:
    headers = stranger.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'self'(;|$)", policy)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == ("same-origin" if path == "/login" else "no-referrer")  # its form has to tell its origin


def test_too_much_is_refused_with_or_without_a_length(client: TestClient) -> None:
    big = b'{"markdown": "' + b"a" * BODY_LIMIT + b'"}'
    json_type = {"content-type": "application/json"}
    assert client.post("/api/preview", content=big, headers=json_type).status_code == 413
    pieces = (big[start : start + 100_000] for start in range(0, len(big), 100_000))
    assert client.post("/api/preview", content=pieces, headers=json_type).status_code == 413


def test_websockets_are_closed(client: TestClient) -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/api/events"):
        pass


def test_a_pass_lets_in_for_a_minute(app: FastAPI, stranger: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [app.state.context.new_pass() for _ in range(2)]
    assert stranger.get(f"/login?token={made[0]}").status_code == 303
    assert stranger.get(f"/login?token={made[0]}").status_code == 401
    monkeypatch.setattr("notewright.server.context.PASS_SECONDS", 0.0)
    assert stranger.get(f"/login?token={made[1]}").status_code == 401
