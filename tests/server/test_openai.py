"""OpenAI's own client against our /v1."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import openai
import pytest
from fastapi import FastAPI

from small_world import ScriptedEngine, numbered

ASK = [{"role": "user", "content": "Write."}]


@pytest.fixture
def ai(app: FastAPI, running: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=running + "/v1", api_key=app.state.context.token, max_retries=0) as opened:
        yield opened


def test_models(ai: openai.OpenAI) -> None:
    assert [model.id for model in ai.models.list()] == ["current", "seedling", "model-1"]
    assert ai.models.retrieve("model-1").id == "model-1"
    assert ai.models.retrieve("base/none").id == "model-1"
    with pytest.raises(openai.NotFoundError) as caught:
        ai.models.retrieve("gpt-none")
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize("path", ["/completions", "/embeddings", "/audio/speech"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_there_is_not_found_and_what_there_is_is_named(ai: openai.OpenAI, method: str, path: str) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        (ai.post if method == "POST" else ai.get)(path, cast_to=object)
    assert caught.value.code == "unknown_url"
    assert f"There is no /v1{path} here. There are: GET /v1/models, " in caught.value.message
    assert "POST /v1/chat/completions" in caught.value.message


def test_a_wrong_method_is_told(ai: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        ai.get("/chat/completions", cast_to=object)
    assert caught.value.status_code == 405


@pytest.mark.parametrize("model", ["current", "model-1", "base/none"])
def test_a_completion(ai: openai.OpenAI, engines, model: str) -> None:
    done = ai.chat.completions.create(model=model, messages=ASK, n=2, seed=5, temperature=0.3, max_tokens=20)
    assert [choice.message.content for choice in done.choices] == [numbered((), 5), numbered((), 6)]
    assert {choice.finish_reason for choice in done.choices} == {"stop"}
    assert done.usage.completion_tokens == sum(len(choice.message.content.split()) for choice in done.choices)
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens
    assert (engines.asked, done.model) == (["model-1"], model)
    assert engines.writer.calls[-1]["temperature"] == 0.3
    assert engines.writer.calls[-1]["messages"] == ASK


def test_a_stream_brings_the_same_text_in_pieces(ai: openai.OpenAI) -> None:
    options = {"model": "current", "messages": ASK, "n": 2, "seed": 5}
    pieces = list(ai.chat.completions.create(**options, stream=True, stream_options={"include_usage": True}))
    texts = ["", ""]
    for piece in pieces:
        for choice in piece.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == [choice.message.content for choice in ai.chat.completions.create(**options).choices]
    assert [choice.finish_reason for piece in pieces for choice in piece.choices if choice.finish_reason] == ["stop", "stop"]
    assert pieces[-1].usage.completion_tokens > 0
    assert len(pieces) > 6


def test_a_stream_whose_text_begins_anew_brings_all_of_it(ai: openai.OpenAI, engines) -> None:
    """As where a server closes a thought that it did not open."""

    class Thinking(ScriptedEngine):
        def generate(self, messages, *, on_text=None, **options):
            for text in ("Hm.", "Hm. They want", "## No"):
                on_text(0, text)
            return super().generate(messages, **options)

    engines.writer = Thinking(lambda *_: "## Note\n")
    pieces = ai.chat.completions.create(model="current", messages=ASK, stream=True)
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == "Hm. They want## Note\n"


def test_length_is_told(ai: openai.OpenAI, engines) -> None:
    engines.writer = ScriptedEngine(numbered, finished=False)
    assert ai.chat.completions.create(model="current", messages=ASK).choices[0].finish_reason == "length"


def test_content_in_parts_and_unknown_fields_are_fine(ai: openai.OpenAI, engines) -> None:
    turns = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
    ]
    ai.chat.completions.create(model="current", messages=turns, user="me", presence_penalty=0.5)
    assert engines.writer.calls[-1]["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "ab"}]


def test_what_is_null_counts_as_left_out(running: str, app: FastAPI, engines) -> None:
    turns = [*ASK, {"role": "assistant", "content": None}, {"role": "assistant"}, *ASK]
    wish = {"model": "current", "messages": turns, **dict.fromkeys(("stream", "stream_options", "n", "stop", "seed", "max_tokens"))}
    headers = {"authorization": f"Bearer {app.state.context.token}"}
    answer = httpx.post(f"{running}/v1/chat/completions", json=wish, headers=headers, trust_env=False)
    assert answer.status_code == 200, answer.text
    assert answer.json()["object"] == "chat.completion"
    nothing = {"role": "assistant", "content": ""}
    assert engines.writer.calls[-1]["messages"] == [*ASK, nothing, nothing, *ASK]
    for role in ("user", "system"):
        wish["messages"] = [{"role": role, "content": None}]
        assert httpx.post(f"{running}/v1/chat/completions", json=wish, headers=headers, trust_env=False).status_code == 400


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        ({"model": "none"}, openai.NotFoundError), ({"messages": []}, openai.BadRequestError), ({"n": 99}, openai.BadRequestError),
        ({"temperature": -1}, openai.BadRequestError), ({"max_tokens": 0}, openai.BadRequestError),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, openai.BadRequestError),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_errors_are_openais(ai: openai.OpenAI, wish: dict, error: type[Exception], stream: bool) -> None:
    with pytest.raises(error) as caught:
        ai.chat.completions.create(**{"model": "current", "messages": ASK, "stream": stream, **wish})
    assert caught.value.body["type"] == "invalid_request_error"


def test_a_wrong_key_is_refused(running: str) -> None:
    with openai.OpenAI(base_url=running + "/v1", api_key="wrong", max_retries=0) as stranger, pytest.raises(openai.AuthenticationError):
        stranger.models.list()


def test_trouble_in_the_middle_of_a_stream_is_an_error(ai: openai.OpenAI, engines) -> None:
    def fail(*_: object) -> str:
        raise MemoryError

    engines.writer = ScriptedEngine(fail)
    with pytest.raises(openai.APIError, match="memory does not suffice"):
        list(ai.chat.completions.create(model="current", messages=ASK, stream=True))
    with pytest.raises(openai.APIStatusError, match="memory does not suffice"):
        ai.chat.completions.create(model="current", messages=ASK)
