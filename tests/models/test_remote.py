"""Another server writes in place of ours: our own one, on loopback, stands for vLLM, llama.cpp, Ollama, LM Studio."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse

import small_world
from gguf_model import write_gguf
from notewright import drafting
from notewright.drafting.engines import Engines
from notewright.errors import Invalid, NotewrightError, NotFound, Unavailable
from notewright.library import Library
from notewright.models import bases, registry
from notewright.models.engine import Engine
from notewright.models.remote import KEY_FILE, KEY_VARIABLE, RemoteEngine
from notewright.server import create_app
from notewright.settings import Settings, change_settings
from served import ScriptedEngines, serve
from small_world import ScriptedEngine, numbered

ASK = [{"role": "user", "content": "Write."}]
NOTE = [
    {"role": "system", "content": "Write the note."},
    {"role": "user", "content": "Title: The River\n\n1. The river carries 25 tons of silt to the plain.\n2. Mud is memory."},
]


@pytest.fixture
def other(tmp_path: Path) -> FastAPI:
    """The second server, on a home of its own."""
    with Library.create(tmp_path / "other") as library:
        small_world.base_model(library)
    return create_app(Settings(home=tmp_path / "other"), engines=ScriptedEngines())


@pytest.fixture
def engine(other: FastAPI) -> Iterator[RemoteEngine]:
    with serve(other) as address:
        yield RemoteEngine(address + "/v1", key=other.state.context.token)


def test_candidates_have_their_own_seeds_and_grow(engine: RemoteEngine, other: FastAPI) -> None:
    told: dict[int, list[str]] = {}
    steps: list[int] = []
    written = engine.generate(
        ASK, n=3, seed=5, temperature=0.7, max_new_tokens=50, on_token=lambda done, _: steps.append(done),
        on_text=lambda index, text: told.setdefault(index, []).append(text),
    )  # fmt: skip
    assert engine.model == "current"
    assert [item.seed for item in written] == [5, 6, 7]
    assert [item.greedy for item in written] == [True, False, False]
    assert [item.text for item in written] == [numbered(ASK, seed) for seed in (5, 6, 7)]
    assert all(item.finished and item.tokens == len(item.text.split()) for item in written)
    assert {index: texts[-1] for index, texts in told.items()} == dict(enumerate(item.text for item in written))
    assert steps
    calls = other.state.context.engines.writer.calls
    assert sorted(call["temperature"] for call in calls) == [0.0, 0.7, 0.7]


def test_a_cut_off_text_is_told(engine: RemoteEngine, other: FastAPI) -> None:
    other.state.context.engines.writer = ScriptedEngine(numbered, finished=False)
    assert not engine.generate(ASK, n=1)[0].finished


def test_what_a_server_thinks_aloud_is_no_part_of_a_draft(engine: RemoteEngine, other: FastAPI) -> None:
    told: list[str] = []
    other.state.context.engines.writer = ScriptedEngine(lambda *_: "<think>\nThey want a note.\n</think>\n\n## Note\n")
    [written] = engine.generate(ASK, n=1, on_text=lambda _, text: told.append(text))
    assert (written.text, told[-1]) == ("## Note\n", "## Note\n")
    assert not any("<" in text for text in told)


def test_what_a_callback_raises_stops_the_writing(engine: RemoteEngine) -> None:
    def stop(*_: object) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        engine.generate(ASK, n=3, on_text=stop)


def test_drafting_uses_the_configured_server(library: Library, tmp_path: Path, other: FastAPI) -> None:
    world = small_world.build(library, tmp_path)
    key_file(library.home).write_text(other.state.context.token)
    local = small_world.base_model(library)
    with serve(other) as address:
        settings = change_settings(world.settings, {"engine_url": address + "/v1"})
        drafts = drafting.draft(library, settings=settings, source="rivers", chapter="Beginnings", n=2, written=2, seed=3)
        assert sorted(item.text for item in drafts) == [numbered((), 3), numbered((), 4)]
        model = library.models.get(drafts[0].model_id)
        assert (model.role, model.base, model.id) == ("remote", address + "/v1", registry.current(library, settings).id)
        assert registry.ensure_remote_model(library, settings) == model
        registry.use(library, local.id)  # a choice of the person outranks the configuration
        assert registry.current(library, settings).id == local.id
        registry.use(library, model.id)
    drafting.release_engine()
    with pytest.raises(Unavailable, match="does not answer"):
        drafting.draft(library, settings=settings, source="rivers", chapter="Beginnings", n=1, written=1)
    drafting.release_engine()


def test_a_key_that_comes_later_counts_without_a_restart(library: Library, tmp_path: Path, other: FastAPI) -> None:
    world, engines = small_world.build(library, tmp_path), Engines()
    with serve(other) as address:
        settings = change_settings(world.settings, {"engine_url": address + "/v1", "engine_model": "current"})
        wish = {"settings": settings, "source": "rivers", "chapter": "Beginnings", "n": 1, "written": 1, "engines": engines}
        with pytest.raises(Unavailable, match="refuses us") as caught:
            drafting.draft(library, **wish)
        assert KEY_FILE in caught.value.hint
        key_file(library.home).write_text(other.state.context.token)
        assert len(drafting.draft(library, **wish)) == 1


def test_the_model_that_a_server_offers_now_is_asked(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    offered, engines = ["before"], Engines()
    monkeypatch.setattr(RemoteEngine, "models", lambda self: offered)
    model = registry.ensure_remote_model(library, Settings(home=library.home, engine_url="http://127.0.0.1:1/v1"))
    assert engines.get(library, model, device="cpu").model == "before"
    offered[0] = "after"
    assert engines.get(library, model, device="cpu").model == "after"


def test_the_key_from_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models.remote import engine_key

    assert engine_key(tmp_path) == ""
    key_file(tmp_path).write_text("from the file\n")
    assert engine_key(tmp_path) == "from the file"
    monkeypatch.setenv(KEY_VARIABLE, "from the environment")
    assert engine_key(tmp_path) == "from the environment"


def key_file(home: Path) -> Path:
    path = home / KEY_FILE
    path.touch(0o600)
    return path


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    from notewright.models.remote import engine_key

    path = key_file(tmp_path)
    path.write_text("secret")
    path.chmod(0o640)
    with pytest.raises(Invalid, match="can be read by others") as refused:
        engine_key(tmp_path)
    assert f"chmod 600 {path}" in refused.value.hint


@pytest.mark.parametrize("data", [b"\xf4\x01\xff", "schlüssel".encode(), b"two\nlines"])
def test_a_file_that_holds_no_key_is_said(tmp_path: Path, data: bytes) -> None:
    from notewright.models.remote import engine_key

    key_file(tmp_path).write_bytes(data)
    with pytest.raises(Invalid, match=KEY_FILE):
        engine_key(tmp_path)


def test_a_wrong_key_or_model_is_said(engine: RemoteEngine) -> None:
    with pytest.raises(Unavailable, match="refuses us") as refused:
        RemoteEngine(engine.url, key="wrong")
    assert KEY_VARIABLE in refused.value.hint
    engine.model = "none"
    with pytest.raises(NotFound, match="does not know none") as unknown:
        engine.generate(ASK, n=2)
    assert "There are: current, seedling" in unknown.value.hint


@pytest.mark.parametrize(
    ("path", "error", "words"),
    [
        ("broken", Unavailable, "fails \\(500\\)"), ("full", Invalid, "context length"), ("html", Unavailable, "speak OpenAI"),
        ("cut", Unavailable, "does not answer"), ("silent", Unavailable, "keeps silent"), ("midway", Unavailable, "stopped: no memory"),
    ],
)  # fmt: skip
def test_a_server_in_trouble_is_told_in_words(path: str, error: type[NotewrightError], words: str) -> None:
    with serve(troubled()) as address, pytest.raises(error, match=words) as caught:
        # On a busy machine half a second is no silence yet.
        RemoteEngine(f"{address}/{path}", "m", silence=0.5 if path == "silent" else 60.0).generate(ASK, n=2)
    assert caught.value.hint


def test_a_server_that_answers_all_at_once_is_read_too() -> None:
    with serve(troubled()) as address:
        [written] = RemoteEngine(f"{address}/whole", "m").generate(ASK, n=1)
    assert (written.text, written.tokens, written.finished) == ("A whole note.", 4, True)
    with serve(troubled()) as address, pytest.raises(Unavailable, match="speak OpenAI"):  # not three empty drafts
        RemoteEngine(f"{address}/nothing", "m").generate(ASK, n=3)


def test_who_stops_waiting_for_a_silent_server_is_not_held_up() -> None:
    script = (
        "import sys\nfrom notewright.models.remote import RemoteEngine\n"
        "engine = RemoteEngine(sys.argv[1], 'm')\nprint('asks', flush=True)\n"
        "try: engine.generate([{'role': 'user', 'content': 'x'}], n=2)\nexcept KeyboardInterrupt: print('stopped', flush=True)"
    )
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()  # takes the questions, and never says a word
        address = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        asking = subprocess.Popen([sys.executable, "-c", script, address], stdout=subprocess.PIPE, text=True)
        try:
            assert asking.stdout
            assert asking.stdout.readline() == "asks\n"
            with server.accept()[0], server.accept()[0]:
                asking.send_signal(signal.SIGINT)
                assert asking.communicate(timeout=20)[0] == "stopped\n"
        finally:
            asking.kill()
            asking.communicate()


def test_a_draft_that_nobody_wants_any_more_waits_for_no_silent_server() -> None:
    class Gone(Exception):
        pass

    def nobody(*_: int) -> None:
        raise Gone

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        engine = RemoteEngine(f"http://127.0.0.1:{server.getsockname()[1]}/v1", "m", silence=10)
        with pytest.raises(Gone):  # and not that the server keeps silent
            engine.generate(ASK, n=2, on_token=nobody)


def test_no_server_at_all() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unavailable, match="does not answer"):
        RemoteEngine(f"http://127.0.0.1:{port}/v1")


def troubled() -> FastAPI:
    """A server that fails in the way that the path names."""
    import asyncio

    app = FastAPI()
    app.state.context = type("Nothing", (), {"hub": type("Hub", (), {"stop": staticmethod(lambda: None)})})

    @app.post("/{how}/chat/completions")
    async def chat(how: str, request: Request):
        await request.json()
        if how == "broken":
            return JSONResponse({"error": {"message": "boom"}}, 500)
        if how == "full":
            return JSONResponse({"error": {"message": "maximum context length is 10"}}, 400)
        if how == "html":
            return PlainTextResponse("data: <html>\n\n")
        if how == "whole":
            choice = {"message": {"role": "assistant", "content": "A whole note."}, "finish_reason": "stop"}
            return JSONResponse({"choices": [choice], "usage": {"completion_tokens": 4}})
        if how == "nothing":
            return PlainTextResponse("")
        if how == "midway":
            return PlainTextResponse('data: {"error": {"message": "no memory"}}\n\n')

        async def pieces():
            yield b'data: {"choices": [{"delta": {"content": "Hal"}}]}\n\n'
            if how == "silent":
                await asyncio.sleep(3)
            raise ConnectionError

        return StreamingResponse(pieces(), headers={} if how == "silent" else {"content-length": "5000"})

    return app


LLAMA_CPP = """
import sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.port, params.n_ctx, params.warmup = sys.argv[1], int(sys.argv[2]), 2048, False
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
def test_llama_cpp_itself(tmp_path: Path) -> None:
    """Its own server, with the seedling as a GGUF file: the words are those that our engine writes."""
    pytest.importorskip("xllamacpp", reason="xllamacpp (llama.cpp and its server as a wheel) is not installed")
    pytest.importorskip("gguf", reason="gguf is not installed")
    base = bases.fetch_base("")
    if bases.read_config(base.folder)["model_type"] != "llama":
        pytest.skip("the seedling has no Llama shape")
    model = write_gguf(base.folder, tmp_path / "seedling.gguf")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", LLAMA_CPP, str(model), str(port)]
    quiet = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **quiet) as server:
        assert server.stdout is not None
        address = next(line.strip() for line in server.stdout if line.startswith("http://"))
        grown: list[str] = []
        written = RemoteEngine(f"{address}/v1").generate(NOTE, n=2, max_new_tokens=40, seed=5, on_text=lambda _, text: grown.append(text))
        server.terminate()
    ours = Engine(device="cpu").generate(NOTE, n=1, max_new_tokens=40)
    assert written[0].text.strip() == ours[0].text.strip() != ""
    assert [item.seed for item in written] == [5, 6]
    assert written[0].tokens <= 40
    assert len(grown) > 4
