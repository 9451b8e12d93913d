"""A loaded engine is kept between drafts, its adapter switched without loading the base again. One thread owns it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from ..errors import OutOfMemory
from ..models import registry
from ..models.registry import open_engine
from ..models.remote import RemoteEngine
from ..prompts import Message
from ..records import Model
from ..settings import Settings

if TYPE_CHECKING:
    from ..gates.nli import NliModel
    from ..library import Library
    from ..models.engine import Engine

MANY, SOME = 8, 4


class Candidate(Protocol):
    """What an engine writes; `models.engine.Generated` is one."""

    @property
    def text(self) -> str: ...
    @property
    def tokens(self) -> int: ...
    @property
    def finished(self) -> bool: ...
    @property
    def seed(self) -> int: ...


class Writer(Protocol):
    """What drafting needs of an engine; `models.engine.Engine` is one."""

    def generate(
        self,
        messages: Sequence[Message],
        *,
        n: int,
        temperature: float,
        top_p: float,
        max_new_tokens: int,
        seed: int,
        greedy_first: bool,
        stop: Sequence[str] = (),
        on_token: Callable[[int, int], None] | None,
        on_text: Callable[[int, str], None] | None,
    ) -> Sequence[Candidate]: ...


def writing_model(library: Library, settings: Settings, model_id: str = "") -> Model:
    """The version that is to write: the one named, else the current one, else the plain base."""
    return library.models.get(model_id) if model_id else registry.current(library, settings)


class Engines:
    """Holds one loaded engine, so that drafts with the same base need no loading. Not thread-safe: one thread owns it."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str, str], Engine] = {}

    def get(self, library: Library, model: Model, *, device: str) -> Engine | RemoteEngine:
        """The engine with `model`'s adapter switched on; another base replaces the one held (imports torch)."""
        key = (model.base, model.revision, device)
        if engine := self._held.get(key):
            registry.switch(library, engine, model)
            return engine
        self.release()
        opened = open_engine(library, model, device=device)
        if not isinstance(opened, RemoteEngine):  # else nothing is loaded, and its key or what it offers may soon be another one
            self._held[key] = opened
        return opened

    def release(self) -> None:
        """Let go of the loaded base, so that its memory can be used by a training run."""
        held = list(self._held.values())
        self._held.clear()
        for engine in held:
            engine.close()


_process = Engines()


def engine_for(library: Library, model: Model, *, device: str) -> Engine | RemoteEngine:
    """The engine for `model`, kept for this whole process."""
    return _process.get(library, model, device=device)


def release_engine() -> None:
    """Let go of this process's engine."""
    _process.release()


def affordable(writer: object) -> int:
    """How many candidates to write: 8 where they share one reading of the prompt and cost little each, else 4."""
    return MANY if getattr(writer, "cheap", True) else SOME


@contextmanager
def memory_watched() -> Iterator[None]:
    """Say in words that the memory did not suffice, whatever way torch and the system have to tell it."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError) or "out of memory" in str(error).lower() or "can't allocate" in str(error):
            hint = "Ask for fewer candidates or a shorter note, choose fewer highlights, a smaller base, or close other programs."
            raise OutOfMemory("The memory does not suffice for this draft.", hint) from error
        raise


def entailment(settings: Settings) -> NliModel | None:
    """The entailment model that the person named (imports torch), or None."""
    if settings.nli_model is None:
        return None
    from ..gates.nli import load

    return load(settings.nli_model)
