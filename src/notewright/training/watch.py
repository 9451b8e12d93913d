"""Looking at a training while it runs: at every check the model writes, and which state is kept depends on what it wrote.

    watch/.../checks.json              [[step, what was seen], ...]
    watch/.../step-40.safetensors      the adapter of the check that would be kept now

`Watch` keeps the state whose held-out drafts are nearest to the person's own passages: loss goes on falling while a small model already
copies passages it has seen. `guard.Guard` keeps the last state within limits. A check and the checkpoint of its step belong together, so
that a killed training goes on with the checks it had made.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from transformers import TrainerCallback

from ..files import put
from . import policy, processes, sampling
from .session import Session

FEWEST = 4  # held-out passages that say anything
SHORTEST = 20  # steps of a training that is worth watching
CHECKS = 6  # in a training that runs to its end
APART = 10  # steps at least


def wanted(recipe: Any, steps: int) -> bool:
    """Whether a training of so many steps is to be watched, by the recipe's `early_stop`."""
    return recipe.early_stop == "on" or (recipe.early_stop == "auto" and steps >= SHORTEST)


class Checks(TrainerCallback):  # type: ignore[misc]
    """Makes and keeps the checks. `look` is what is seen; of it follow `kept`, the step whose state is the result, and `over`."""

    def __init__(self, session: Session, steps: int, folder: Path, *, checks: int = CHECKS) -> None:
        self.session, self.steps, self.folder = session, steps, folder
        self.every = math.ceil(steps / max(1, min(checks, steps // APART)))
        path = folder / "checks.json"
        self.checks: list[tuple[int, Any]] = [(step, seen) for step, seen in json.loads(path.read_text())] if path.exists() else []

    def look(self) -> Any:
        raise NotImplementedError

    @property
    def kept(self) -> int | None:
        raise NotImplementedError

    @property
    def over(self) -> bool:
        raise NotImplementedError

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.checks = [check for check in self.checks if check[0] <= state.global_step]

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        step = state.global_step
        if step % self.every and step < self.steps:
            return
        self._check(step)
        if self.over:
            control.should_training_stop = True
            control.should_save = False  # who went on from there would train beyond the end
        elif step < self.steps:
            control.should_save = True

    def _check(self, step: int) -> None:
        seen = processes.first(self.look())  # what follows from it is a step of all or of none
        self.checks.append((step, seen))
        if processes.is_first():
            if self.kept == step:
                policy.save_weights(self.session, self._weights(step))
            self._keep()
        processes.wait()
        self.session.reporter.emit("check", at_step=step, **(seen if isinstance(seen, dict) else {"distance": seen}))

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """No training can go back to before this step any more: states that are not kept may go."""
        for path in self.folder.glob("step-*.safetensors") if processes.is_first() else ():
            if self.kept is None or path != self._weights(self.kept):
                path.unlink()

    def restore(self) -> None:
        """Take the adapter that is kept; without any check within limits it stays as it is."""
        if self.kept is not None:
            policy.load_weights(self.session, self._weights(self.kept))

    def _weights(self, step: int) -> Path:
        return self.folder / f"step-{step}.safetensors"

    def _keep(self) -> None:
        put(self.folder / "checks.json", json.dumps(self.checks))


class Watch(Checks):
    """Keeps the state nearest to `watched`: held-out (prompt ids, passage ids, passage). Ends when nothing is gained any more.

    The first check is of the state that the training begins with, which stays where no later one is nearer.
    """

    from_start = True

    def __init__(self, session: Session, watched: Sequence[tuple[list[int], list[int], str]], steps: int, *, checks: int = CHECKS) -> None:
        super().__init__(session, steps, session.folder / "watch", checks=checks)
        self.watched = watched

    def on_train_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        super().on_train_begin(args, state, control, **others)
        if self.from_start and not self.checks:
            self._check(0)

    def look(self) -> Any:
        return round(sampling.distance(self.session, self.watched), 5)

    def told(self) -> list[tuple[int, float]]:
        """(step, distance) of every check."""
        return [(step, self.distance(seen)) for step, seen in self.checks]

    def distance(self, seen: Any) -> float:
        return float(seen)

    def value(self, step: int, seen: Any) -> float:
        """What a check is worth: the less the better; infinite: its state must not be kept."""
        return self.distance(seen)

    @property
    def kept(self) -> int | None:
        """Of equals the latest, which has learnt more: few held-out passages often come out alike."""
        values = [(self.value(step, seen), -step) for step, seen in self.checks]
        value, step = min(values, default=(math.inf, 0))
        return -step if value < math.inf else None

    @property
    def over(self) -> bool:
        values = [self.value(step, seen) for step, seen in self.checks if step]  # a training may do worse before it does better
        gained = values.index(min(values)) if values else 0
        return len(values) - 1 - gained >= self.session.recipe.patience


class Taught(Watch):
    """Looks before and after at passages that teach, where too few are held out. What was read several times and is not nearer by `SURELY`
    standard errors (of the mean difference, passage by passage) says that the training does not work, and the beginning is kept."""

    SURELY = 2.0

    def __init__(self, session: Session, watched: Sequence[tuple[list[int], list[int], str]], steps: int) -> None:
        super().__init__(session, watched, steps, checks=1)

    def look(self) -> Any:
        each = [round(value, 5) for value in sampling.distances(self.session, self.watched)]
        return {"distance": round(fmean(each), 5), "each": each}

    def distance(self, seen: Any) -> float:
        return float(seen["distance"])

    def value(self, step: int, seen: Any) -> float:
        fell = [before - after for before, after in zip(self.checks[0][1]["each"], seen["each"], strict=True)]
        surely = fmean(fell) > self.SURELY * stdev(fell) / math.sqrt(len(fell))
        return self.distance(seen) if surely or not step else math.inf
