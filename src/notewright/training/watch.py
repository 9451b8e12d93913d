"""Early stopping by what counts: at every check the model in training writes held-out passages, and the nearest state is the result.

    watch/checks.json                  [[step, distance], ...]
    watch/step-40.safetensors          the adapter at the best check so far

Loss goes on falling while a small model already copies passages it has seen; the distance of its drafts tells. A check and the checkpoint
of its step belong together, so that a killed training goes on with the checks it had made.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from typing import Any

from transformers import TrainerCallback

from . import policy, processes, sampling
from .session import Session

FEWEST = 4  # held-out passages that say anything
SHORTEST = 20  # steps of a training that is worth watching
CHECKS = 6  # in a training that runs to its end
APART = 10  # steps at least


class Watch(TrainerCallback):
    """`watched` are held-out (prompt ids, passage ids, passage)."""

    def __init__(self, session: Session, watched: Sequence[tuple[list[int], list[int], str]], steps: int) -> None:
        self.session, self.watched, self.steps = session, watched, steps
        self.every = max(APART, math.ceil(steps / CHECKS))
        self.folder = session.folder / "watch"
        path = self.folder / "checks.json"
        self.checks: list[tuple[int, float]] = [(step, value) for step, value in json.loads(path.read_text())] if path.exists() else []

    @property
    def best(self) -> tuple[int, float] | None:
        """(step, distance) of the nearest state; of equals the earliest."""
        return min(self.checks, key=lambda check: (check[1], check[0]), default=None)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.checks = [check for check in self.checks if check[0] <= state.global_step]

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        step = state.global_step
        if step % self.every and step < self.steps:
            return
        value = round(sampling.distance(self.session, self.watched), 5)
        before = self.best
        self.checks.append((step, value))
        if processes.is_first():
            if before is None or value < before[1]:
                policy.save_weights(self.session, self._weights(step))
            self._keep()
        processes.wait()
        self.session.reporter.emit("check", at_step=step, distance=value)
        since = sum(check[0] > self.best[0] for check in self.checks) if self.best else 0
        if since >= self.session.recipe.patience and step < self.steps:
            control.should_training_stop = True
        elif step < self.steps:
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """No training can go back to before this step any more: what was best before the best may go."""
        kept = self._weights(self.best[0]) if self.best else None
        for path in self.folder.glob("step-*.safetensors") if processes.is_first() else ():
            if path != kept:
                path.unlink()

    def restore(self) -> None:
        """Take the adapter of the best check."""
        if self.best:
            policy.load_weights(self.session, self._weights(self.best[0]))

    def _weights(self, step: int) -> Any:
        return self.folder / f"step-{step}.safetensors"

    def _keep(self) -> None:
        self.folder.mkdir(exist_ok=True)
        partial = self.folder / "checks.part"
        partial.write_text(json.dumps(self.checks), encoding="utf-8")
        os.replace(partial, self.folder / "checks.json")
