"""OpenAI's protocol: any client of it can use the versions that were trained here."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ... import drafting
from ...errors import NotewrightError, NotFound
from ...library import Library
from ...models import bases, registry
from ...models.room import longest_note, prompt_tokens
from ...records import Model
from ...settings import Settings
from ..context import Context, Current, Here, Opened
from ..problems import make_router, openai_error, problem_of
from ..queueing import Cancelled, Ticket
from ..schemas import Out, Short, Text
from .drafts import next_told, until_gone

CURRENT = "current"


class OpenAIProblem(Out):
    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(Out):
    error: OpenAIProblem


router = make_router("openai", "/v1", {code: {"model": OpenAIError} for code in (400, 401, 403, 404, 413, 422, 423, 424)})


class Part(BaseModel):
    type: Literal["text"]
    text: Text


class Turn(BaseModel):
    role: Literal["system", "developer", "user", "assistant"]
    content: Text | Annotated[list[Part], Field(max_length=100)] | None = None

    @model_validator(mode="after")
    def only_assistants_may_say_nothing(self) -> Turn:
        """As one does who called a tool."""
        if self.content is None and self.role != "assistant":
            raise ValueError(f"a message of the role {self.role} needs its content")
        return self

    def message(self) -> dict[str, str]:
        content = self.content if isinstance(self.content, str) else "".join(part.text for part in self.content or ())
        return {"role": "system" if self.role == "developer" else self.role, "content": content}


class StreamOptions(BaseModel):
    include_usage: bool | None = None


class ChatIn(BaseModel):
    """What is not listed here is ignored, as clients send many things that have no meaning for a local model."""

    model_config = ConfigDict(extra="ignore")

    model: Short
    messages: list[Turn] = Field(min_length=1, max_length=1000)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = Field(default=None, ge=1, le=16)
    temperature: float | None = Field(default=None, ge=0, le=3, allow_inf_nan=False)
    top_p: float | None = Field(default=None, gt=0, le=1, allow_inf_nan=False)
    max_tokens: int | None = Field(default=None, ge=1, le=8192)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=8192)
    stop: Annotated[str, StringConstraints(max_length=200)] | list[Annotated[str, StringConstraints(max_length=200)]] | None = None
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)

    @property
    def stops(self) -> list[str]:
        return [self.stop] if isinstance(self.stop, str) else list(self.stop or ())[:16]


class OpenAIModel(Out):
    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str = "notewright"


class OpenAIModels(Out):
    object: Literal["list"] = "list"
    data: list[OpenAIModel]


class Completion(Out):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: dict[str, int]


@router.get("/models", operation_id="openaiModels")
def list_models(library: Opened) -> OpenAIModels:
    """`current`, the plain seedling, and every registered version that writes."""
    named = [OpenAIModel(id=name, created=0) for name in (CURRENT, bases.SEEDLING)]
    return OpenAIModels(data=[*named, *(_shown(model) for model in library.models.all() if model.role != "reward")])


@router.get("/models/{model_id:path}", operation_id="openaiModel")
def get_model(library: Opened, settings: Current, model_id: str) -> OpenAIModel:
    return _shown(resolve(library, settings, model_id))


@router.post(
    "/chat/completions",
    operation_id="openaiChat",
    response_model=Completion,
    responses={200: {"content": {"text/event-stream": {}}, "description": "The completion, or its pieces"}},
)
async def chat(wish: ChatIn, request: Request, here: Here) -> Any:
    """Write an answer; `model` is a version, a base that was used here, or `current`. The prompt is taken as it is."""
    await asyncio.to_thread(_known, here, wish.model)
    work = Chat(here, wish)
    if wish.stream:
        return StreamingResponse(work.pieces(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})
    ticket = work.submit()
    written, prompt = await until_gone(here, request, ticket)
    choices = [
        {"index": index, "message": {"role": "assistant", "content": item.text}, "finish_reason": _reason(item), "logprobs": None}
        for index, item in enumerate(written)
    ]
    return Completion(id=work.id, created=work.created, model=wish.model, choices=choices, usage=_usage(written, prompt))


class Chat:
    """One completion on its way through the engine thread."""

    def __init__(self, here: Context, wish: ChatIn) -> None:
        self.here, self.wish = here, wish
        self.id, self.created = f"chatcmpl-{secrets.token_hex(12)}", int(time.time())
        self.loop = asyncio.get_running_loop()
        self.told: asyncio.Queue[tuple[int, str] | None] = asyncio.Queue()

    def submit(self) -> Ticket:
        ticket = self.here.queue.submit(self._write)
        ticket.result.add_done_callback(lambda _: self._tell(None))
        return ticket

    def _tell(self, item: tuple[int, str] | None) -> None:
        self.loop.call_soon_threadsafe(self.told.put_nowait, item)

    def _write(self, ticket: Ticket) -> tuple[list[Any], int]:
        """In the engine thread: (candidates, tokens of the prompt)."""
        wish, settings = self.wish, self.here.settings
        messages = [turn.message() for turn in wish.messages]
        with self.here.open_library() as library, drafting.memory_watched():
            engine = self.here.engines.get(library, resolve(library, settings, wish.model), device=settings.device)
            written = engine.generate(
                messages, n=wish.n or 1, temperature=1.0 if wish.temperature is None else wish.temperature, top_p=wish.top_p or 1.0,
                max_new_tokens=wish.max_completion_tokens or wish.max_tokens or longest_note(engine, messages),
                seed=secrets.randbelow(2**31) if wish.seed is None else wish.seed % 2**31, greedy_first=False, stop=wish.stops,
                on_token=lambda *_: ticket.check(), on_text=lambda index, text: self._tell((index, text)),
            )  # fmt: skip
            return list(written), prompt_tokens(engine, messages)

    async def pieces(self) -> AsyncIterator[bytes]:
        """OpenAI's chunks. A text that stopped growing the way it began (a letter completed differently) is rare; its rest is sent."""
        ticket: Ticket | None = None
        sent: dict[int, str] = {}
        try:
            ticket = self.submit()
            for index in range(self.wish.n or 1):
                yield self._piece(index, {"role": "assistant", "content": ""})
            while (item := await next_told(self.here, self.told)) is not None:
                index, text = item
                if added := self._added(sent, index, self._safe(text)):
                    yield self._piece(index, {"content": added})
            written, prompt = ticket.result.result()
            for index, item in enumerate(written):
                if added := self._added(sent, index, item.text):
                    yield self._piece(index, {"content": added})
                yield self._piece(index, {}, _reason(item))
            if self.wish.stream_options and self.wish.stream_options.include_usage:
                yield _line({**self._head(), "choices": [], "usage": _usage(written, prompt)})
            yield b"data: [DONE]\n\n"
        except Cancelled:
            return
        except NotewrightError as error:
            status, problem = problem_of(error)
            yield _line(openai_error(status, problem))
        finally:
            if ticket:
                ticket.cancel()

    def _safe(self, text: str) -> str:
        """Without an end that may be the beginning of a stop text: what is sent cannot be taken back."""
        held = max((size for stop in self.wish.stops for size in range(1, len(stop)) if text.endswith(stop[:size])), default=0)
        return text[: len(text) - held]

    def _added(self, sent: dict[int, str], index: int, text: str) -> str:
        before = sent.get(index, "")
        if before.startswith(text):
            return ""
        sent[index] = text
        return text[len(os.path.commonprefix([before, text])) :]

    def _head(self) -> dict[str, Any]:
        return {"id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.wish.model}

    def _piece(self, index: int, delta: dict[str, str], reason: str | None = None) -> bytes:
        return _line({**self._head(), "choices": [{"index": index, "delta": delta, "finish_reason": reason, "logprobs": None}]})


def resolve(library: Library, settings: Settings, name: str) -> Model:
    """The version that a client means: an id, `current`, or the name of a base that is registered."""
    if name in ("", CURRENT):
        return drafting.writing_model(library, settings)
    known = [model for model in library.models.all() if model.role != "reward"]
    for model in known:
        if name == model.id or (model.role == "base" and name in (model.base, f"{model.base}@{model.revision}")):
            return model
    if name == bases.SEEDLING:
        return registry.ensure_base_model(library, settings, base=name)
    raise NotFound(f"There is no model {name[:80]!r}.", f"There are: {', '.join([CURRENT, bases.SEEDLING, *(item.id for item in known)])}")


def _known(here: Context, name: str) -> None:
    with here.open_library() as library:
        resolve(library, here.settings, name)


def _shown(model: Model) -> OpenAIModel:
    return OpenAIModel(id=model.id, created=int(datetime.fromisoformat(model.created_at).timestamp()))


def _reason(item: Any) -> str:
    return "stop" if item.finished else "length"


def _usage(written: list[Any], prompt: int) -> dict[str, int]:
    completion = sum(item.tokens for item in written)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _line(data: object) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n".encode("utf-8", errors="replace")
