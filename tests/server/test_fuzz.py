"""Whatever is sent, the answer is as OpenAPI says and never a 5xx: generated good and bad input for every route; nasty cases by hand."""

from __future__ import annotations

import time

import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

import small_world
from notewright.library import Library
from notewright.server import create_app
from notewright.server.routes import plugin
from served import ScriptedEngines

# events never ends; the others would do what they are asked: start processes, read any folder of this machine, ask a network.
LEFT_OUT = {"events", "improve", "evaluateModel", "importPath", "doctor"}
EXAMPLES = 3  # of each sort for each route


@pytest.fixture
def fuzzed(library: Library, tmp_path, monkeypatch) -> FastAPI:
    """No pairs, so that no training begins; nobody waits for an order."""
    monkeypatch.setattr(plugin, "LONGEST", 0)
    world = small_world.build(library, tmp_path, paired=())
    small_world.base_model(library)
    return create_app(world.settings, engines=ScriptedEngines())


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_no_generated_input_is_a_server_error(fuzzed: FastAPI, mode: GenerationMode) -> None:
    headers = {"authorization": f"Bearer {fuzzed.state.context.token}", "host": "127.0.0.1:8765"}
    schema = schemathesis.openapi.from_asgi("/openapi.json", fuzzed, headers=headers)
    seen = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.definition.raw["operationId"] in LEFT_OUT:
            continue
        seen += 1

        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case) -> None:
            checks = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
            case.call_and_validate(headers=headers, checks=checks)

        try:
            check()
        except Exception as error:
            if "Unsatisfiable" not in type(error).__name__:
                raise
        while any(job.state in ("waiting", "running") for job in fuzzed.state.context.jobs.all()):
            time.sleep(0.02)  # a job that imports modules while Hypothesis looks through them breaks it off
    assert seen > 40


DEEP = "[" * 5000 + "]" * 5000
NASTY = [
    ("POST", "/api/preview", b'{"markdown": "\\ud800"}'),
    ("POST", "/api/preview", ('{"markdown": ' + DEEP + "}").encode()),
    ("POST", "/api/preview", b"\xff\xfe{}"),
    ("POST", "/api/drafts", b'{"source": "rivers", "seed": ' + b"9" * 5000 + b"}"),
    ("POST", "/api/drafts", b'{"source": "rivers", "temperature": NaN}'),
    ("POST", "/api/drafts", b'{"source": "rivers", "highlight_ids": ["\\u0000", "\\ud800"]}'),
    ("POST", "/api/drafts", b'{"source": "\\u0000", "stream": false}'),
    ("GET", "/api/sources/%00", b""),
    ("GET", "/api/sources/%ed%a0%80", b""),
    ("GET", "/api/sources?q=%25%5f%5c%00%ff", b""),
    ("GET", "/api/sources?limit=99999999999999999999", b""),
    ("GET", "/api/attachments?path=../../etc/passwd.png", b""),
    ("GET", "/api/attachments?path=%00.png", b""),
    ("GET", "/api/attachments?path=" + "a" * 900 + ".png", b""),
    ("GET", "/api/note?path=.obsidian/app.json", b""),
    ("GET", "/api/note?path=" + "a/" * 400 + "b", b""),
    ("GET", "/api/note?path=%00", b""),
    ("POST", "/api/drafts/draft-1/accept/preview", b'{"into": "x\\u0000y"}'),
    ("POST", "/api/import/path", b'{"path": "\\u0000"}'),
    ("POST", "/api/import/path", b'{"path": "/nowhere/at/all"}'),
    ("POST", "/api/import/path", b'{"path": "' + b"a" * 390 + b'"}'),
    ("POST", "/api/import/path", b'{"path": "~nobody-of-that-name/x"}'),
    ("POST", "/api/import/upload", b"not a form"),
    ("PUT", "/api/settings", b'{"vault": "/nowhere/at/all"}'),
    ("PUT", "/api/settings", b'{"engine_url": "file:///etc/passwd"}'),
    ("PUT", "/api/readwise-token", b'{"token": "two words"}'),
    ("POST", "/v1/chat/completions", b'{"model": "current", "messages": [{"role": "user", "content": "\\ud800"}]}'),
    ("POST", "/v1/chat/completions", b"{}"),
    ("POST", "/api/orders/" + "9" * 30, b'{"state": "taken"}'),
    ("GET", "/api/nowhere", b""),
    ("PATCH", "/api/status", b""),
    ("GET", "/../../etc/passwd", b""),
]


@pytest.mark.parametrize(("method", "path", "body"), NASTY, ids=range(len(NASTY)))
def test_nasty_input_is_answered_in_words(client: TestClient, method: str, path: str, body: bytes) -> None:
    headers = {"content-type": "application/json"} if body else {}
    answer = client.request(method, path, content=body, headers=headers)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        problem = answer.json().get("error") or answer.json()
        assert problem["message"]


@pytest.mark.parametrize("path", ["/" + "a" * 300, "/drafts/" + "x/" * 3000])
def test_an_address_longer_than_a_file_name_is_the_page(fuzzed: FastAPI, tmp_path, path: str) -> None:
    (tmp_path / "index.html").write_text("the studio")
    app = create_app(fuzzed.state.context.given, studio=tmp_path)
    client = TestClient(app, base_url="http://127.0.0.1:8765")
    assert client.get(path).text == "the studio"
    assert client.get(f"/assets{path}").status_code == 404
