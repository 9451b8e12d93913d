"""Trainings that alternate between writing and learning: what each round wrote and learnt lies in a folder of its own.

    rounds/round-3/samples.jsonl    what the policy of round 2 wrote
    rounds/round-3/adapter.safetensors
    rounds/round-3/round.json       its figures; written last, then the round is finished

A killed run goes on in the round it was in, with the samples that round began with.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

from ..files import put
from ..models import splitting
from . import policy, processes
from .session import Keeper, Session

Samples = list[Any]


class Rounds:
    def __init__(self, session: Session) -> None:
        self.session = session
        self.folder = session.folder / "rounds"

    def samples(self, number: int, write: Callable[[], Samples]) -> Samples:
        """What was written at the beginning of a round; written now if it has not been."""
        path = self.folder / f"round-{number}" / "samples.jsonl"
        missing = processes.agree(not path.exists(), self.session.device)
        together = splitting.is_split(self.session.model)
        written = write() if missing and (together or processes.is_first()) else []
        if missing and processes.is_first():
            put(path, "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in written))
        processes.wait()
        return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]

    def finished(self, number: int) -> dict[str, Any] | None:
        """The figures of a finished round."""
        path = self.folder / f"round-{number}" / "round.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def finish(self, number: int, figures: dict[str, Any]) -> dict[str, Any]:
        """Keep the adapter as it is now with the round's figures, the first process's, by which all of them go on; the round's checkpoints
        are not needed any more."""
        figures = processes.first({**figures, "seconds": round(self.session.seconds(), 3)})
        processes.wait()
        if not processes.is_first():
            processes.wait()
            return figures
        folder = self.folder / f"round-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        policy.save_weights(self.session, folder / "adapter.safetensors")
        put(folder / "round.json", json.dumps(figures) + "\n")
        shutil.rmtree(self.session.folder / "checkpoints", ignore_errors=True)
        processes.wait()
        return figures

    def load(self, number: int) -> None:
        """Take the adapter as it was after a round."""
        policy.load_weights(self.session, self.folder / f"round-{number}" / "adapter.safetensors")


def figures_of(keeper: Keeper, **more: Any) -> dict[str, Any]:
    """What a round leaves for the run's metrics."""
    return {"losses": keeper.losses, "tokens": keeper.tokens, "steps": len(keeper.losses), **more}
