"""What one running server holds, and how handlers get at it."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends, Request

from ..drafting.engines import Engines, writing_model
from ..errors import Busy, NotFound, Unavailable
from ..library import Library
from ..settings import Settings, load_settings
from ..vault import VaultIndex, build_index
from .hub import Hub
from .improving import Improver
from .jobs import Jobs
from .queueing import Cancelled, EngineQueue, Ticket

INDEX_SECONDS = 3.0
PASS_SECONDS = 60.0
PATIENCE = 120.0  # seconds that a training waits for drafts being written


@dataclass
class Context:
    """`boot` tells one start of the server from the next; `given` are the settings it was made with."""

    given: Settings
    token: str
    engines: Engines
    hub: Hub = field(init=False)
    jobs: Jobs = field(init=False)
    improver: Improver = field(init=False)
    queue: EngineQueue = field(init=False)
    boot: str = field(default_factory=lambda: secrets.token_hex(8))

    def __post_init__(self) -> None:
        self.hub = Hub()
        self.queue = EngineQueue()
        self.jobs = Jobs(self.hub, make_room=self.cool, room_again=self._warm_again)
        self.improver = Improver(self.jobs, open_library=self.open_library, settings=lambda: self.settings)
        self._warmed = False
        self._lock = threading.Lock()
        self._index: tuple[Path, float, VaultIndex] | None = None
        self._passes: dict[str, float] = {}

    def new_pass(self) -> str:
        """What logs one browser in, once and within a minute, for a link that others may read: a browser's command line can be seen by
        everybody on the machine, and the token is for good."""
        made = secrets.token_urlsafe(32)
        self._passes[made] = time.monotonic()
        return made

    def take_pass(self, given: str) -> bool:
        """Does it let in? From now on it does not."""
        made = self._passes.pop(given, None)
        return made is not None and time.monotonic() - made < PASS_SECONDS

    @property
    def settings(self) -> Settings:
        """As config.toml says now, so that a change by any face counts at once."""
        return load_settings(self.given.home) if self.given.config_path.exists() else self.given

    def warm(self) -> None:
        """Load the current model in the engine thread, so that the first draft need not wait for it."""
        self._warmed = True

        def load(_: Ticket) -> None:
            with self.open_library() as library:
                self.engines.get(library, writing_model(library, self.settings), device=self.settings.device)

        self.queue.submit(load, ahead=True)

    def cool(self) -> None:
        """Let go of the model once what is being written is written; a draft that is asked for afterwards loads it again."""
        self.queue.hold_ahead(True)  # else it would have its turn after the release, and load the model beside the training
        with suppress(FutureTimeout, Busy, Cancelled):  # the last two: the server is stopping
            self.queue.submit(lambda _: self.engines.release()).result.result(PATIENCE)

    def _warm_again(self) -> None:
        self.queue.hold_ahead(False)
        if self._warmed:
            with suppress(Busy):
                self.warm()

    def index(self, vault: Path) -> VaultIndex:
        """What links in the vault can mean, looked at again every few seconds."""
        with self._lock:
            now = time.monotonic()
            if self._index is None or self._index[0] != vault:
                self._index = (vault, now, build_index(vault))
            elif now - self._index[1] > INDEX_SECONDS:
                self._index = (vault, now, self._index[2].renewed())
            return self._index[2]

    def open_library(self) -> Library:
        """A library of the caller's own, to be closed by it. Raises Unavailable where it is no longer: none is made in its place."""
        try:
            return Library.open(self.given.home)
        except NotFound as error:
            hint = "Put it back where it was, or stop the server and start it on the other folder: notewright --home PATH serve"
            raise Unavailable(f"The library {self.given.home} is not there any more.", hint) from error


def context(request: Request) -> Context:
    return cast(Context, request.app.state.context)


Here = Annotated[Context, Depends(context)]


def current_settings(here: Here) -> Settings:
    return here.settings


def opened_library(here: Here) -> Iterator[Library]:
    with here.open_library() as library:
        yield library


Opened = Annotated[Library, Depends(opened_library)]
Current = Annotated[Settings, Depends(current_settings)]
