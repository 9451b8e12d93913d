"""An engine that is another server: anything that speaks OpenAI's protocol (vLLM, llama.cpp, Ollama, LM Studio, our own).

Candidates are asked for one by one, side by side, each with its own seed, and streamed. What leaves the machine is the prompt, and only to
the server that the person named.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Invalid, NotewrightError, NotFound, Unavailable
from ..prompts import Message
from ..settings import require_private
from ..text import without_thoughts

if TYPE_CHECKING:
    import httpx

KEY_VARIABLE = "NOTEWRIGHT_ENGINE_KEY"
KEY_FILE = "engine-key"
SILENCE = 300.0  # seconds without a word from the server until it counts as gone; a big model reads a long prompt slowly
LOOK_UP = 0.5  # seconds: a Ctrl-C that comes in the moment before a wait is only seen after it


@dataclass(frozen=True, slots=True)
class Written:
    """One candidate, as `engine.Generated`. `tokens` is what the server counted, else the pieces that came."""

    text: str
    tokens: int
    finished: bool
    seed: int
    greedy: bool = False


def engine_key(home: Path | None) -> str:
    """The server's key: from the environment, or a file in the home that only the person can read; empty where it needs none.

    Raises Unavailable where the file cannot be read, Invalid for what no server can be sent.
    """
    place, key = KEY_VARIABLE, os.environ.get(KEY_VARIABLE, "").strip()
    if not key and home and (home / KEY_FILE).is_file():
        place = str(home / KEY_FILE)
        require_private(home / KEY_FILE)
        try:
            key = Path(place).read_text(encoding="utf-8", errors="replace").strip()
        except OSError as error:
            raise Unavailable(f"{place} cannot be read: {error.strerror}.", "Check its permissions.") from error
    if not (key.isascii() and key.isprintable()):
        raise Invalid(f"What stands in {place} is no server's key.", "A key is one line of letters, digits and marks.")
    return key


class RemoteEngine:
    """`model` is its name at the server; empty means the first one it offers."""

    def __init__(self, url: str, model: str = "", *, key: str = "", silence: float = SILENCE) -> None:
        self.url, self._silence = url.rstrip("/"), silence
        self._headers = {"authorization": f"Bearer {key}"} if key else {}
        self.model = model or self.models()[0]
        self.cheap = False  # the server may write them one after the other

    def close(self) -> None:
        """Nothing of it is held on this machine."""

    def models(self) -> list[str]:
        """Names of the models the server offers."""
        with _Trouble(self.url), self._client() as http:
            answer = http.get("models")
            self._check(answer)
            names = [str(item["id"]) for item in answer.json()["data"]]
        if not names:
            raise Unavailable(f"The server at {self.url} offers no model.", "Load one there first.")
        return names

    def generate(
        self,
        messages: Sequence[Message],
        *,
        n: int = 3,
        temperature: float = 0.8,
        top_p: float = 0.95,
        max_new_tokens: int = 512,
        seed: int = 0,
        greedy_first: bool = True,
        stop: Sequence[str] = (),
        on_token: Callable[[int, int], None] | None = None,
        on_text: Callable[[int, str], None] | None = None,
    ) -> list[Written]:
        """As `engine.Engine.generate`; whether a seed brings the same text again is up to the server."""
        told = _Told(n, on_token, on_text)

        def write(index: int) -> Written:
            heat = 0.0 if greedy_first and index == 0 else temperature
            wish: dict[str, Any] = {
                "model": self.model, "messages": list(messages), "temperature": heat, "top_p": top_p, "max_tokens": max_new_tokens,
                "seed": seed + index, "stream": True, "stream_options": {"include_usage": True},
            }  # fmt: skip
            if stop:
                wish["stop"] = list(stop)
            text, tokens, finished = "", 0, False
            try:
                for piece in self._stream(http, wish):
                    for choice in piece.get("choices", ())[:1]:
                        if added := (choice.get("delta") or {}).get("content"):
                            text, tokens = text + added, tokens + 1
                            told.grown(index, without_thoughts(text, growing=True), tokens)
                        finished = finished or choice.get("finish_reason") == "stop"
                    if usage := piece.get("usage"):
                        tokens = int(usage.get("completion_tokens") or tokens)
            except BaseException:
                told.failed.set()
                raise
            told.over(index)
            return Written(without_thoughts(text), tokens, finished, seed + index, heat <= 0)

        writing: list[Future[Written]] = [Future() for _ in range(n)]

        def write_one(index: int) -> None:
            try:
                writing[index].set_result(write(index))
            except BaseException as error:
                writing[index].set_exception(error)

        with self._client() as http:
            for index in range(n):
                # No pool, whose threads hold a program up at its end: who stops waiting (Ctrl-C) for a silent server is done with it.
                threading.Thread(target=write_one, args=(index,), daemon=True).start()
            while wait(writing, timeout=LOOK_UP).not_done:
                told.still()
        errors = [error for item in writing if (error := item.exception()) and not isinstance(error, _Dropped)]
        if errors:
            raise errors[0]
        return [item.result() for item in writing]

    def _client(self) -> httpx.Client:
        import httpx

        timeout = httpx.Timeout(self._silence, connect=10)
        return httpx.Client(base_url=self.url + "/", headers=self._headers, timeout=timeout, trust_env=False)

    def _stream(self, http: httpx.Client, wish: dict[str, Any]) -> Iterator[dict[str, Any]]:
        with _Trouble(self.url), http.stream("POST", "chat/completions", json=wish) as answer:
            self._check(answer)
            streamed, others = False, list[str]()
            for line in answer.iter_lines():
                if not line.startswith("data:"):
                    others += [] if streamed else [line]
                    continue
                streamed = True
                if not line.endswith("[DONE]"):
                    yield self._unless_stopped(json.loads(line.removeprefix("data:")))
            if not streamed:  # all at once, as some servers answer whatever they are asked
                whole = self._unless_stopped(json.loads("\n".join(others)))
                yield {**whole, "choices": [{**choice, "delta": choice["message"]} for choice in whole["choices"]]}

    def _unless_stopped(self, piece: dict[str, Any]) -> dict[str, Any]:
        if problem := piece.get("error"):
            raise Unavailable(f"The server at {self.url} stopped: {_words(problem)}", "See its log, or ask for less.")
        return piece

    def _check(self, answer: httpx.Response) -> None:
        if answer.status_code < 400:
            return
        answer.read()
        try:
            words = _words(answer.json().get("error"))
        except (ValueError, AttributeError):
            words = answer.text[:200]
        if answer.status_code in (401, 403):
            hint = f"Give its key: set {KEY_VARIABLE}, or write it into {KEY_FILE} in the home folder (chmod 600)."
            raise Unavailable(f"The server at {self.url} refuses us ({answer.status_code}).", hint)
        if answer.status_code == 404:
            hint = f"Set engine_model to a model of that server, and engine_url to its address up to /v1. It says: {words}"
            raise NotFound(f"The server at {self.url} does not know {getattr(self, 'model', '') or 'that route'}.", hint)
        if answer.status_code in (400, 413, 422):
            raise Invalid(f"The server at {self.url} does not take the prompt: {words}", "Choose fewer highlights, or a shorter note.")
        raise Unavailable(f"The server at {self.url} fails ({answer.status_code}): {words}", "See its log, and try again.")


class _Dropped(Exception):
    """Another candidate failed; this one is not wanted any more."""


class _Told:
    """Progress of all candidates, told one at a time although they grow side by side."""

    def __init__(self, n: int, on_token: Callable[[int, int], None] | None, on_text: Callable[[int, str], None] | None) -> None:
        self.on_token, self.on_text = on_token, on_text
        self.lock, self.failed = threading.Lock(), threading.Event()
        self.writing, self.most = set(range(n)), 0

    def grown(self, index: int, text: str, tokens: int) -> None:
        with self.lock:
            if self.failed.is_set():
                raise _Dropped
            self.most = max(self.most, tokens)
            if self.on_token:
                self.on_token(self.most, len(self.writing))
            if self.on_text:
                self.on_text(index, text)

    def still(self) -> None:
        """Perhaps nobody wants it any more, and the server has not said a word yet."""
        with self.lock:
            try:
                if self.on_token:
                    self.on_token(self.most, len(self.writing))
            except BaseException:
                self.failed.set()
                raise

    def over(self, index: int) -> None:
        with self.lock:
            self.writing.discard(index)


class _Trouble:
    """Says in words what went wrong on the way to the server or with its answer."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import httpx

        if error is None or isinstance(error, (NotewrightError, _Dropped)):
            return
        if isinstance(error, httpx.TimeoutException):
            raise Unavailable(f"The server at {self.url} keeps silent.", "See whether it is still at work, or ask for less.") from error
        if isinstance(error, (httpx.HTTPError, httpx.InvalidURL)):
            raise Unavailable(f"The server at {self.url} does not answer ({error}).", "Start it, or change engine_url.") from error
        if isinstance(error, (ValueError, KeyError, TypeError, AttributeError)):
            raise Unavailable(f"The server at {self.url} does not speak OpenAI's protocol.", "Set engine_url to …/v1.") from error


def _words(problem: object) -> str:
    message = problem.get("message") if isinstance(problem, dict) else problem
    return str(message)[:300]
