"""notewright serve as a person runs it: the link, the streams, stopping, a taken port, a training over the API."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from notewright.cli import main
from notewright.library import Library
from notewright.records import Highlight, Source


@contextmanager
def served(home: Path, *options: str, stderr: int = subprocess.PIPE) -> Iterator[tuple[subprocess.Popen[str], httpx.Client, str]]:
    command = [sys.executable, "-m", "notewright.cli", "--home", str(home), "serve", "--port", "0", "--cold", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True) as server:
        try:
            assert server.stdout is not None
            link = next(line.strip() for line in server.stdout if "/login?token=" in line)
            address, _, token = link.partition("/login?token=")
            with httpx.Client(base_url=address, headers={"authorization": f"Bearer {token}"}, timeout=120, trust_env=False) as client:
                yield server, client, link
        finally:
            server.kill()


def test_the_link_works_and_ctrl_c_ends_it_though_a_page_listens(home: Path) -> None:
    with served(home) as (server, client, link):
        assert httpx.get(link, trust_env=False).status_code == 303
        assert client.get("/api/status").json()["home"] == str(home)
        with client.stream("GET", "/api/events") as response:
            lines = response.iter_lines()
            assert next(lines) == "event: hello"
            server.send_signal(signal.SIGINT)
            assert list(lines)[-1] == ""  # the stream ends in order
        assert server.wait(120) == 0
        assert server.stderr is not None
        assert server.stderr.read() == ""
    assert (home / "server-token").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere BROWSER is not asked")
def test_the_browser_is_opened_with_a_link_that_lets_in_once(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told, browser = tmp_path / "told", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$@" > {told}.part && mv {told}.part {told}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    with served(home, "--open") as (_, client, link):
        end = time.monotonic() + 60
        while not told.exists() and time.monotonic() < end:
            time.sleep(0.05)
        given = told.read_text().strip()
        address, _, token = link.partition("/login?token=")
        assert given.startswith(f"{address}/login?token=")
        assert token not in given  # everybody on the machine can read command lines
        first, second = (httpx.get(given, trust_env=False) for _ in range(2))
        assert (first.status_code, second.status_code) == (303, 401)
        assert first.headers["set-cookie"] == httpx.get(link, trust_env=False).headers["set-cookie"]
        wrong = given.partition("=")[2]
        assert client.get("/api/status", headers={"authorization": f"Bearer {wrong}"}).status_code == 401


@pytest.mark.parametrize("path", ["/api/drafts", "/v1/chat/completions"])
def test_ctrl_c_ends_what_is_being_written_with_an_error_event(home: Path, path: str) -> None:
    texts = [
        f"The river rises in spring for the reason numbered {number}, and everyone downstream moves the boats." for number in range(12)
    ]
    with Library.create(home) as library:
        source = Source("Rivers", highlights=tuple(Highlight(text) for text in texts))
        library.sources.upsert([source], origin="csv", complete=True)
    asked: dict[str, object] = {"source": "Rivers", "n": 8, "written": 8, "max_new_tokens": 1000, "temperature": 1.5}
    if path.startswith("/v1"):
        asked = {"model": "seedling", "messages": [{"role": "user", "content": "\n".join(texts)}], "n": 8, "max_tokens": 1000}
    with served(home) as (server, client, _):
        with client.stream("POST", path, json={**asked, "stream": True}) as response:
            assert response.status_code == 200, response.read()
            lines = response.iter_lines()
            assert any('"text"' in line or '"content": "' in line and '"content": ""' not in line for line in lines)
            server.send_signal(signal.SIGINT)
            rest = list(lines)  # raises where the answer breaks off
        assert server.wait(20) == 0
        assert server.stderr is not None
        assert server.stderr.read() == ""
    told = [line for line in rest if line]
    assert "The server is stopping." in told[-1]
    assert "event: error" in told or json.loads(told[-1].removeprefix("data: "))["error"]["message"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
def test_warnings_are_readable_on_a_terminal(home: Path) -> None:
    import pty

    terminal, shown = pty.openpty()
    with served(home, stderr=shown) as (_, client, _):
        with socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=60) as sent:
            sent.sendall(b"\0\r\n\r\n")
            assert sent.recv(1000)
        assert os.read(terminal, 1000) == b"WARNING:  Invalid HTTP request received.\r\n"
    os.close(terminal)
    os.close(shown)


def test_a_taken_port_is_said(home: Path) -> None:
    Library.create(home).close()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-m", "notewright.cli", "serve", "--port", str(taken.getsockname()[1])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "is taken" in done.stderr
    assert "--port" in done.stderr
    assert "ERROR" not in done.stderr  # said once, by us


def test_who_comes_before_the_application_is_ready_is_not_refused() -> None:
    import uvicorn

    from notewright.cli.serve import listen

    with listen(uvicorn.Config("none:app", port=0)) as listening, socket.create_connection(listening.getsockname(), timeout=10):
        pass


@pytest.mark.parametrize("port", ["65536", "-1", "http"])
def test_a_port_that_cannot_be_is_said(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["serve", "--port", port])
    assert f"{port} is not a port from 0 to 65535" in capsys.readouterr().err


def test_an_address_that_is_not_here_is_said(home: Path) -> None:
    Library.create(home).close()
    command = [sys.executable, "-m", "notewright.cli", "serve", "--cold", "--port", "0", "--host", "999.1.1.1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "999.1.1.1 is no address of this machine" in done.stderr
    assert "--host" in done.stderr
    assert "ERROR" not in done.stderr
    assert "Traceback" not in done.stderr


def test_beyond_this_machine_the_token_guards_and_tls_is_advised(home: Path) -> None:
    with served(home, "--host", "0.0.0.0") as (server, client, link):
        assert link.startswith("http://127.0.0.1:")
        assert httpx.get(link.partition("/login")[0] + "/api/status", trust_env=False).status_code == 401
        assert client.get("/api/status").status_code == 200
        assert server.stderr is not None
        assert re.search(r"Caddy, nginx", server.stderr.readline() + server.stderr.readline())


def test_answers_are_sent_at_once(home: Path) -> None:
    """With Nagle's algorithm on, the second half of an answer waits for the client's delayed acknowledgement, 40 ms."""
    import uvicorn

    from notewright.cli.serve import listen

    with listen(uvicorn.Config("none", port=0)) as listening:
        listening.listen()
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.slow
def test_a_training_is_started_followed_stopped_and_resumed(home: Path, tmp_path: Path) -> None:
    import small_world
    from notewright.settings import save_settings

    with Library.create(home) as library:
        save_settings(small_world.build(library, tmp_path).settings)
    with served(home) as (server, client, _):
        assert client.post("/api/runs", json={"method": "dpo"}).status_code in (404, 422)
        assert client.post("/api/runs", json={"method": "sft", "overrides": {"max_stepz": 1}}).status_code == 422
        small = {
            "max_steps": 400,
            "max_length": 512,
            "batch_size": 1,
            "lora_rank": 4,
            "checkpoint_seconds": 1,
            "rate_check": "off",
            "early_stop": "off",
        }
        started = client.post("/api/runs", json={"method": "sft", "overrides": small})
        assert started.status_code == 202, started.text
        run = started.json()["run_id"]
        busy = client.post("/api/runs", json={"method": "sft"})
        assert (busy.status_code, "going on already" in busy.json()["message"]) == (423, True)
        wait(lambda: any(item["event"] == "step" for item in client.get(f"/api/runs/{run}/progress").json()["events"]))
        assert client.post(f"/api/runs/{run}/stop").status_code == 200
        wait(lambda: client.get(f"/api/jobs/{started.json()['id']}").json()["ended_at"])
        assert client.get(f"/api/runs/{run}").json()["status"] == "interrupted"
        resumed = client.post(f"/api/runs/{run}/resume").json()
        wait(lambda: client.get(f"/api/runs/{run}/progress").json()["alive"])
        seen = client.get(f"/api/runs/{run}/progress").json()["next"]
        wait(lambda: client.get(f"/api/runs/{run}/progress", params={"after": seen}).json()["events"])
        server.send_signal(signal.SIGTERM)  # stopping the server stops the training with a checkpoint
        server.wait(90)
    with Library.open(home) as library:
        assert library.runs.get(run).status == "interrupted"
    events = [json.loads(line) for line in (home / "runs" / run / "progress.jsonl").read_text().splitlines()]
    assert events[-1]["event"] == "stopped"
    assert resumed["run_id"] == run


def wait(condition) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)
