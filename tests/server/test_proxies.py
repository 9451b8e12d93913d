"""The proxies of docs/serving.md, as they stand there: TLS, cookies, and streams that are not held back."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from conftest import REPOSITORY
from notewright.server import create_app
from served import ScriptedEngines, serve
from small_world import World

NAME = "notes.example.org"


def example(language: str) -> str:
    page = (REPOSITORY / "docs" / "serving.md").read_text(encoding="utf-8")
    return re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)[1]


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed")
    pem, key = tmp_path / "cert.pem", tmp_path / "cert.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command += ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", str(key), "-out", str(pem)]
    subprocess.run(command, check=True, capture_output=True)
    return pem, key


@contextmanager
def nginx(folder: Path, address: str, certificate: tuple[Path, Path]) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    site = example("nginx").replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl").replace("http://127.0.0.1:8765", address)
    site = site.replace(f"/etc/ssl/{NAME}.pem", str(certificate[0])).replace(f"/etc/ssl/{NAME}.key", str(certificate[1]))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder / kind};\n" for kind in kinds)
    whole = f"daemon off; pid {folder / 'pid'}; error_log {folder / 'errors'};\nevents {{}}\nhttp {{ access_log off;\n{places}{site}}}\n"
    (folder / "nginx.conf").write_text(whole)
    with subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "errors")]) as child:
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert child.poll() is None, (folder / "errors").read_text()
                time.sleep(0.05)
            yield port
        finally:
            child.terminate()


@pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed")
def test_the_nginx_example(world: World, tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    app = create_app(world.settings, engines=ScriptedEngines(), hosts=[NAME])
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    with serve(app) as address, nginx(tmp_path, address, certificate) as port:
        extensions = {"sni_hostname": NAME}
        with httpx.Client(base_url=f"https://127.0.0.1:{port}", headers={"host": NAME}, verify=trust, trust_env=False) as client:
            login = client.get("/login", params={"token": app.state.context.token}, extensions=extensions)
            assert (login.status_code, login.headers["location"]) == (303, "/")
            assert "Secure" in login.headers["set-cookie"]
            cookie = {"cookie": login.headers["set-cookie"].partition(";")[0], "origin": f"https://{NAME}"}
            assert client.get("/api/status", headers=cookie, extensions=extensions).status_code == 200
            assert client.post("/api/undo", json={}, headers=cookie, extensions=extensions).status_code == 404
            evil = {**cookie, "origin": "https://evil.example"}
            assert client.post("/api/undo", json={}, headers=evil, extensions=extensions).status_code == 403
            with client.stream("GET", "/api/events", headers=cookie, extensions=extensions) as response:
                lines = response.iter_lines()
                assert next(lines) == "event: hello"
                world.library.pairs.decide(world.library.pairs.all()[0].id, "accepted")
                assert "event: library" in (next(lines) for _ in range(4))


@pytest.mark.skipif(not shutil.which("caddy"), reason="caddy is not installed")
def test_the_caddy_example_is_valid(tmp_path: Path) -> None:
    (tmp_path / "Caddyfile").write_text(example("caddy"))
    subprocess.run(
        ["caddy", "validate", "--adapter", "caddyfile", "--config", str(tmp_path / "Caddyfile")], check=True, capture_output=True
    )


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_the_unit_is_valid(tmp_path: Path) -> None:
    unit = tmp_path / "notewright.service"
    unit.write_text(example("systemd").replace("%h/notewright/.venv/bin/notewright", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", "--user", str(unit)], capture_output=True, text=True)
    assert "notewright.service" not in done.stderr, done.stderr
