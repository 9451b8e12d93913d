"""The model hub, played by a real HTTP server on loopback that speaks its protocol; each fetch in a process and cache of its own."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy
import pytest
import safetensors.numpy

import tiny_models

COMMIT = "0123456789abcdef0123456789abcdef01234567"
pytestmark = pytest.mark.slow


class Hub:
    """One model, `someone/tiny`, from a folder. `spoil` damages a file on the wire; `cut` ends the first answer for a file early,
    `stall` never ends it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = {path.name: path.read_bytes() for path in folder.iterdir()}
        self.requests: list[tuple[str, str, str]] = []
        self.spoil = self.cut = self.stall = ""
        self.stalled = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.answer(self)

            do_HEAD = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def large(self, name: str) -> bool:
        return name.endswith(".safetensors")

    def etag(self, name: str) -> str:
        data = self.files[name]
        return hashlib.sha256(data).hexdigest() if self.large(name) else hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()

    def listing(self) -> bytes:
        siblings = []
        for name, data in sorted(self.files.items()):
            entry: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": self.etag(name)}
            if self.large(name):
                entry["lfs"] = {"sha256": self.etag(name), "size": len(data), "pointerSize": 134}
            siblings.append(entry)
        return json.dumps({"_id": "1", "id": "someone/tiny", "modelId": "someone/tiny", "sha": COMMIT, "siblings": siblings}).encode()

    def tree(self) -> bytes:
        return json.dumps(
            [{"type": "file", "path": name, "size": len(data), "oid": self.etag(name)} for name, data in sorted(self.files.items())]
        ).encode()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path, span = request.path.partition("?")[0], request.headers.get("Range", "")
        self.requests.append((request.command, path, span))
        file = re.fullmatch(r"/someone/tiny/resolve/[^/]+/(.+)", path)
        if path.startswith("/api/models/someone/tiny/tree/"):
            self.send(request, 200, self.tree(), {"Content-Type": "application/json"})
        elif path.startswith("/api/models/someone/tiny"):
            self.send(request, 200, self.listing(), {"Content-Type": "application/json"})
        elif file and file[1] in self.files:
            self.send_file(request, file[1], span)
        else:
            self.send(request, 404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def send_file(self, request: BaseHTTPRequestHandler, name: str, span: str) -> None:
        data = self.files[name]
        if name == self.spoil:
            data = bytes([data[0] ^ 1]) + data[1:]
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{self.etag(name)}"', "Accept-Ranges": "bytes"}
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", span)
        if found:
            start, end = int(found[1]), min(int(found[2] or len(data)), len(data) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
            self.send(request, 206, data[start : end + 1], headers)
            return
        if name in (self.cut, self.stall) and request.command == "GET":
            request.send_response(200)
            for key, value in {**headers, "Content-Length": str(len(data))}.items():
                request.send_header(key, value)
            request.end_headers()
            request.wfile.write(data[: 3 * len(data) // 4])
            request.wfile.flush()
            if name == self.stall:
                self.stalled.wait(60)
            self.cut = self.stall = ""
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send(request, 200, data, headers)

    def send(self, request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str]) -> None:
        request.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            request.send_header(key, value)
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(body)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    played = Hub(tiny_models.build("llama", tmp_path / "published"))
    yield played
    played.close()


def environment_of(hub: Hub, cache: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(cache), "HF_HUB_DISABLE_XET": "1", "OMP_NUM_THREADS": "1", **more}


def command(name: str) -> list[str]:
    return [sys.executable, "-m", "notewright.cli", "bases", "get", name, "--json"]


def get(hub: Hub, cache: Path, name: str = "someone/tiny", **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(name), capture_output=True, text=True, env=environment_of(hub, cache, **more), timeout=120)


def use(hub: Hub, cache: Path) -> subprocess.CompletedProcess[str]:
    """As a training or a drafting asks for a base that nobody fetched."""
    script = "from notewright.models import bases\nprint(bases.fetch_base('someone/tiny').folder)"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment_of(hub, cache), timeout=120)


def test_a_fetched_base_works_offline(hub: Hub, tmp_path: Path) -> None:
    done = get(hub, tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["name"] == "someone/tiny"
    assert told["revision"] == COMMIT
    assert {path.name for path in Path(told["folder"]).iterdir()} >= {"config.json", "model.safetensors", "tokenizer.json"}
    asked = len(hub.requests)
    script = (
        "from notewright.models import bases\nfrom notewright.models.engine import Engine\n"
        "base = bases.fetch_base('someone/tiny')\nassert base.revision == " + repr(COMMIT) + "\n"
        "print(Engine('someone/tiny').generate([{'role': 'user', 'content': 'x'}], n=1, max_new_tokens=2)[0].tokens)"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    offline = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, env=environment)
    assert offline.returncode == 0, offline.stderr
    assert int(offline.stdout) in (1, 2)
    assert len(hub.requests) == asked


def test_a_broken_fetch_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    hub.files["more.safetensors"] = safetensors.numpy.save(
        {"more": numpy.zeros(6_000_000, numpy.float32)}
    )  # the hub's library keeps 10 MB at a time
    hub.cut = "more.safetensors"
    done = get(hub, tmp_path / "cache")
    assert done.returncode == 0, done.stderr
    (span,) = [span for _, path, span in hub.requests if path.endswith("more.safetensors") and span]
    assert 10_000_000 <= int(span.removeprefix("bytes=").removesuffix("-")) < len(hub.files["more.safetensors"])


def test_a_killed_fetch_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    hub.files["more.safetensors"] = safetensors.numpy.save({"more": numpy.arange(6_000_000, dtype=numpy.float32)})
    hub.stall = "more.safetensors"
    cache = tmp_path / "cache"
    fetching = subprocess.Popen(command("someone/tiny"), stdout=subprocess.DEVNULL, env=environment_of(hub, cache))
    until = time.monotonic() + 60
    while time.monotonic() < until and not any(path.stat().st_size >= 10_000_000 for path in cache.glob("hub/models--*/blobs/*")):
        time.sleep(0.05)
    fetching.kill()
    fetching.wait()
    hub.stalled.set()
    hub.stall = ""
    hub.requests.clear()
    done = get(hub, cache)
    assert done.returncode == 0, done.stderr
    (span,) = [span for kind, path, span in hub.requests if path.endswith("more.safetensors") and kind == "GET"]
    assert int(span.removeprefix("bytes=").removesuffix("-")) >= 10_000_000
    (folder,) = cache.glob("hub/models--*")
    assert (Path(json.loads(done.stdout)["folder"]) / "more.safetensors").read_bytes() == hub.files["more.safetensors"]
    assert len(list((folder / "blobs").iterdir())) == len(hub.files)  # no part is left


def test_a_file_of_any_size_is_fetched(hub: Hub, tmp_path: Path) -> None:
    """The hub's library refuses to ask for what is too much for one answer."""
    size = len(hub.files["model.safetensors"])
    script = (
        "import huggingface_hub.constants as constants\nfrom notewright.models import download\n"
        f"constants.MAX_HTTP_DOWNLOAD_SIZE, download.AT_ONCE = {size // 2}, {size // 3}\ntold = []\n"
        "folder = download.download('someone/tiny', progress=lambda done, of, what: told.append(done) if what == 'fetching' else None)\n"
        "assert told == sorted(told)\nprint(folder)"
    )
    environment = environment_of(hub, tmp_path / "cache")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.strip()) / "model.safetensors").read_bytes() == hub.files["model.safetensors"]
    spans = [span for kind, path, span in hub.requests if path.endswith("/model.safetensors") and kind == "GET"]
    assert [int(span.removeprefix("bytes=").partition("-")[0]) for span in spans] == [size // 3 * part for part in range(len(spans))]


def test_what_a_training_fetches_by_itself_is_checked_too(hub: Hub, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for hub.spoil in ("model.safetensors", "tokenizer.json"):
        done = use(hub, cache)
        assert done.returncode == 1
        assert f"{hub.spoil} of someone/tiny arrived damaged and was removed" in done.stderr
    hub.spoil = ""
    assert use(hub, cache).returncode == 0
    hub.requests.clear()
    again = use(hub, cache)
    assert again.returncode == 0
    assert not [path for kind, path, _ in hub.requests if "/resolve/" in path and kind == "GET"]


def test_a_damaged_file_is_removed_and_named(hub: Hub, tmp_path: Path) -> None:
    hub.spoil = "model.safetensors"
    done = get(hub, tmp_path / "cache")
    assert done.returncode == 1
    assert "model.safetensors of someone/tiny arrived damaged and was removed" in done.stderr
    assert not list((tmp_path / "cache").rglob("model.safetensors"))
    hub.spoil = ""
    assert get(hub, tmp_path / "cache").returncode == 0


def test_room_is_asked_for_what_is_missing_only(hub: Hub, tmp_path: Path) -> None:
    """A disk that the weights had nearly filled when the fetch broke off has room for the rest."""
    script = (
        "import shutil\nfrom notewright.models import download\n"
        "full = shutil._ntuple_diskusage(10**9, 10**9, FREE)\nshutil.disk_usage = lambda _: full\ndownload.download('someone/tiny')"
    )
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_DISABLE_XET": "1"}
    weights = len(hub.files["model.safetensors"])

    def get_with(free: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", script.replace("FREE", str(free))], capture_output=True, text=True, env=environment)

    assert "GB is free in" in get_with(weights // 2).stderr
    assert get(hub, tmp_path / "cache").returncode == 0
    (snapshot,) = (tmp_path / "cache").glob("hub/models--*/snapshots/*")
    (snapshot / "config.json").unlink()  # it broke off there
    done = get_with(weights // 2)
    assert done.returncode == 0, done.stderr
    assert (snapshot / "config.json").exists()


def test_pickles_are_refused_before_anything_is_fetched(hub: Hub, tmp_path: Path) -> None:
    hub.files["pytorch_model.bin"] = hub.files.pop("model.safetensors")
    done = get(hub, tmp_path / "cache")
    assert done.returncode == 1
    assert "someone/tiny has no safetensors weights" in done.stderr
    assert not [path for command, path, _ in hub.requests if "/resolve/" in path]


def test_an_unknown_model_and_an_absent_hub_say_what_to_do(hub: Hub, tmp_path: Path) -> None:
    unknown = get(hub, tmp_path / "cache", "someone/else")
    assert unknown.returncode == 1
    assert "The hub has no model 'someone/else'" in unknown.stderr
    absent = get(hub, tmp_path / "cache", HF_ENDPOINT="http://127.0.0.1:9")
    assert absent.returncode == 1
    assert "the model hub does not answer" in absent.stderr
    assert "Traceback" not in absent.stderr
