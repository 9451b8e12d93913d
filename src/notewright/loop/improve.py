"""The verb. Every step's outcome is kept in the folder's state.json, so that a stopped `improve` goes on with the step it was in."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import datasets, evaluation, training
from ..drafting import Engines
from ..errors import Invalid, NotewrightError, NotFound, RunFailed, Unavailable
from ..evaluation import EvaluationReport, compare
from ..files import put
from ..library import Library, atwork
from ..library.atwork import AtWork, alone, numbered, read_state, trains
from ..library.database import now
from ..library.examples import CHANGED, NOTICED
from ..library.products import BETTER
from ..library.splits import LATER
from ..models import registry
from ..models.bandit import Measured
from ..models.turns import note_change
from ..records import REWARDS, Dataset, Model, Run
from ..reward.trust import allowed, trust
from ..settings import Settings
from ..text import count
from ..training.recipes import MINIMUM_ROWS, MINIMUM_WATCHED, resolve
from .before import gone_back_from, nothing_new_since, removed_since, terms, with_defaults
from .decide import CONFIDENCE, FEWEST, Contender, Decision, decide
from .keep import keep
from .page import write_page
from .reports import REPORT
from .when import require_enough

HELD_OUT = ("valid", "test")  # neither was trained on; the first steered trainings, the second nothing
WITH_EXAMPLES = " + examples"
REFINEMENTS = (("DITTO", "ditto", "sft"), ("edits", "edits", "edits"), ("DPO", "dpo", "preference"))  # label, method, kind of its data
MACHINERY = ("precision", "activation_checkpointing", "quantize")  # values of every recipe that the base and the machine ask for
UNITS = {"sft": "passage", "edits": "edit", "preference": "preference"}  # what a dataset's rows are called
STEERED = "Too few passages only measure, so that those by which trainings are steered count as well: the proof is weaker than it says"
PROMPTING = (
    "Prompting wins: {} writes untrained, with your own notes as examples and your rules in its prompt; "
    "no trained version was better beyond doubt"
)

Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class ImproveReport:
    """What came of it. `promoted` is empty when the current version stayed; `page` is the HTML report; `skipped` says what was left out
    and why, `ignored` which options of this call had to wait, as it went on as it was begun."""

    id: str
    folder: str
    page: str
    current: str
    promoted: str
    reason: str
    decision: Decision
    skipped: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """In a sentence."""
        if self.promoted and self.promoted != self.current:
            return f"{self.promoted} is the current version now."
        if not self.promoted:
            return f"{self.current} stays the current version."
        how = "with" if self.decision.winner and self.decision.winner.examples else "without"
        return f"{self.current} stays the current version, and writes {how} your own notes as examples from now on."


@dataclass(slots=True)
class _State:
    """state.json: what each step has come to."""

    path: Path
    table: dict[str, Any] = field(default_factory=dict)

    def __contains__(self, key: str) -> bool:
        return key in self.table

    def __getitem__(self, key: str) -> Any:
        return self.table[key]

    def keep(self, key: str, value: object) -> None:
        self.table[key] = value
        self._write()

    def forget(self, *keys: str) -> None:
        """As if these had never been kept."""
        self.table = {key: value for key, value in self.table.items() if key not in keys}
        self._write()

    def clock(self, since: float) -> None:
        """How long it was at work; on a full disk that is not worth an error of its own."""
        with suppress(NotewrightError, OSError):
            self.keep("seconds", round(time.time() - since, 1))

    def _write(self) -> None:
        put(self.path, json.dumps(self.table, indent=2) + "\n")


def improve(
    library: Library,
    *,
    settings: Settings,
    effort: str = "",
    confidence: float = CONFIDENCE,
    max_new_tokens: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    reinforce: str = "",
    fresh: bool = False,
    progress: Progress | None = None,
) -> ImproveReport:
    """Learn from everything there is since the last build, and promote what came of it only if it is better beyond doubt.

    Each time the build begins at the base: SFT on the pairs, then, each where there is enough and going on from the one before, DITTO on
    the pairs, edits, DPO on the choices, and `reinforce` (grpo, rloo or ppo: hours without a GPU) where a reward has earned the right to
    label. The contenders (the base and each of these versions, with and without the person's examples in the prompt, always with the
    rules) and the current version write every held-out passage, and those of later chapters that only measure; `decide` compares. Nothing
    is promoted before that, and drafting goes on meanwhile. Versions that cannot be told from the one that writes are kept beside it
    (`keep`) and take turns. What was made of the same before is not trained again, what learnt nothing is not measured, and what a version
    wrote for the same prompt before is not written again.

    Where nothing is new since the last one nothing is done, and the report says so. An `improve` that was stopped goes on as it was begun:
    another `effort` (default: normal), other `overrides` (see `values_for`) and another `reinforce` are then told and ignored. `fresh`
    begins anew in both cases, and trains and writes all of it again; one that learns from a source which the person removed since begins
    anew by itself. `progress` gets training's events, {"message": ...}, {"status": ...},
    and {"evaluating": ..., "done": n, "total": n}; other processes see the step in `library.atwork`. Raises Busy while another one runs,
    Invalid with too few pairs or a recipe that cannot be, NotFound where the files of the version to beat are gone.
    """
    if reinforce not in ("", *training.SAMPLING):
        raise Invalid(f"{reinforce!r} is no method that learns from its own drafts.", f"There are: {', '.join(training.SAMPLING)}")
    resolve("sft", parameters=1, rows=1, overrides=overrides)  # what cannot be would be kept, and every later one go on with it
    asked = {"effort": effort, "set": dict(overrides or {}), "reinforce": reinforce}
    labelling = [reward for reward in REWARDS if allowed(library, reward, "label")] if reinforce else []
    besides = {"confidence": confidence, "longest": max_new_tokens, "labelling": labelling}
    with alone(library.home), ExitStack() as at_end:
        training.settle(library)
        if not fresh and (before := nothing_new_since(library, settings, asked, **besides)):
            return _as_it_was(library, settings, library.home / "runs" / before)
        removed = removed_since(library)
        require_enough(library, fresh=fresh or bool(removed))
        state = _open(library.home / "runs", fresh, anew=bool(removed))
        ignored = _as_begun(state, asked)
        since = time.time() - state.table.get("seconds", 0.0)
        at_end.callback(state.clock, since)  # also where it is stopped: it goes on later
        here = AtWork(state.path.parent.name, since=since, before=atwork.took(library.home, effort=state["effort"]))
        tell = _telling(library.home, here, progress)
        if removed and not fresh:
            tell({"message": f"The one before it learnt from what you removed since ({'; '.join(removed)}), and is given up."})
        if not trains(state.table):
            state.keep("terms", terms(library, settings, **besides))
        state.keep("event", state.table.get("event", library.events.last()))
        begun = "goes on" if "current" in state else "begins"
        tell({"message": f"{state.path.parent.name} {begun}: a rebuild from the base. The current version keeps writing meanwhile."})
        if ignored:
            name, others = state.path.parent.name, " ".join(ignored)
            tell({"message": f"{name} goes on as it was begun, without {others}. To begin anew with that, add --fresh."})
        work = _Work(library, settings, state, max_new_tokens, tell)
        current, contenders = work.contenders()
        while "promoted" not in state and (said := work.overtaken(current)):
            tell({"message": said})
            current, contenders = work.contenders()
        tell({"status": "comparing the versions"})
        decision = decide(current, contenders, confidence=confidence)
        if "promoted" not in state:
            _write_down(library, state, decision, current)
        reason, chosen_way = state.table.get("reason", decision.reason), (state["promoted"], state.table.get("examples"))
        measured, asked_at = (current, *contenders), work.measured_at()
        winner = next((item for item in measured if (item.model_id, item.examples) == chosen_way), None)
        stays = _promote(library, state, winner, current, reason=reason, asked_at=asked_at)
        _keep_beside(library, winner or current, measured, asked_at=asked_at)
        report = ImproveReport(
            id=state.path.parent.name, folder=str(state.path.parent), page=str(state.path.with_name(REPORT)),
            current=stays.id if stays else current.model_id, promoted="" if stays else state["promoted"],
            reason=f"{reason}. Meanwhile you chose {stays.id}, and it stays" if stays else reason, decision=decision,
            skipped=work.skipped(), ignored=ignored,
        )  # fmt: skip
        write_page(Path(report.page), report, current)
        state.keep("verdict", report.verdict)
        state.keep("finished_at", now())
        if settings.keep_versions and (gone := registry.prune(library, keep=settings.keep_versions)) and progress:
            progress({"message": f"The files of {count(len(gone), 'old version')} that nothing needs were deleted; their figures stay."})
        return report


def _telling(home: Path, here: AtWork, progress: Progress | None) -> Progress:
    """Passes on what happens, and lets other processes know at which step this one is."""

    doing = ""
    atwork.tell(home, here)

    def tell(event: dict[str, Any]) -> None:
        nonlocal here, doing
        before = here
        if "evaluating" in event:
            here = replace(here, step=f"measuring {event['evaluating']}", done=event["done"], total=event["total"])
        elif "event" in event:  # a training's own: it says what it does before its steps
            here = replace(here, step=f"{doing}: {event['status']}" if "status" in event else doing, done=None, total=None)
        elif "status" in event:
            doing = event["status"]
            here = replace(here, step=doing, done=None, total=None)
        if here != before:
            atwork.tell(home, here)
        if progress:
            progress(event)

    return tell


def _as_it_was(library: Library, settings: Settings, folder: Path) -> ImproveReport:
    """Of one that made nothing, as nothing is new since the one in `folder`: every comparison is another chance to be lucky."""
    reason = f"Nothing is new since {folder.name}: the same would be made and compared again (--fresh does it all the same)"
    current = registry.current(library, settings).id
    return ImproveReport(folder.name, str(folder), str(folder / REPORT), current, "", reason, Decision(None, reason, ()))


def _write_down(library: Library, state: _State, decision: Decision, current: Contender) -> None:
    """What was decided, and what it was decided over; killed from here on, it is made up for."""
    state.keep("reason", _reason(library, decision, current))
    state.keep("examples", decision.winner.examples if decision.winner else None)
    state.keep("usual", current.examples)
    state.keep("decided_at", len(library.models.promotions()))
    state.keep("promoted", decision.winner.model_id if decision.winner else "")


def _promote(library: Library, state: _State, winner: Contender | None, current: Contender, *, reason: str, asked_at: str) -> Model | None:
    """Make the winner the version that writes: once, and not over what the person chose meanwhile, or went back from. Returns the version
    that stays because of that, None where the decision holds."""
    with library.db.write():
        now_current = library.models.current()
        untouched = len(library.models.promotions()) == state.table.get("decided_at")
        if winner and untouched and now_current and now_current.id == current.model_id:
            library.models.promote(winner.model_id, f"{BETTER}: {reason}", examples=winner.examples, asked_at=asked_at)
        since = library.models.promotions()[state.table.get("decided_at", 0) :]
        made = any(version == state["promoted"] and why.startswith(BETTER) for version, _, why in since)
        now_current = library.models.current()
        chosen = now_current and now_current.id != (winner or current).model_id  # after the decision fell
        return now_current if chosen or (winner and not made) else None


def _keep_beside(library: Library, writer: Contender, measured: Sequence[Contender], *, asked_at: str) -> None:
    """The versions that cannot be told from the writer take turns with it; each has the figures of the way in which it will write."""
    kept = keep(writer, measured)
    found = {item.model_id: compare(writer.proven, item.proven) for item in measured if kept.get(item.model_id) == item.examples}
    changes = {version: Measured(change.difference, change.error) for version, change in found.items()}
    registry.keep_contenders(library, kept, beside=writer.model_id, asked_at=asked_at, measured=changes)
    for item in measured:
        figures: dict[str, object] = {f"edit_distance_{'with' if item.examples else 'without'}_examples": item.proven.mean}
        if (item.model_id, item.examples) in {(writer.model_id, writer.examples), *kept.items()}:
            figures |= {"evaluation": item.proven.metrics(), "edit_distance": item.proven.mean}
        library.models.set_metrics(item.model_id, figures)


def _reason(library: Library, decision: Decision, current: Contender) -> str:
    writer, reason = decision.winner or current, decision.reason
    if not current.proof and len(current.report.items) >= FEWEST:
        reason += f". {STEERED}"
    if writer.examples and library.models.get(writer.model_id).role == "base":
        reason += f". {PROMPTING.format(writer.model_id)}"
    return reason


class _Work:
    """The steps, each done once."""

    def __init__(self, library: Library, settings: Settings, state: _State, longest: int | None, tell: Progress) -> None:
        self.library, self.settings, self.state, self.longest, self.tell = library, settings, state, longest, tell
        self.effort, self.overrides = state["effort"], state["set"]
        self.engines = Engines()  # all that is measured shares one base in memory

    def contenders(self) -> tuple[Contender, list[Contender]]:
        library = self.library
        self._current()
        pairs = self._dataset("sft")
        if not any(pairs.rows(split) for split in HELD_OUT):
            raise Invalid(
                "No source is kept back to measure on, so nothing can be proven.",
                "Pair notes of further sources, five or more in all (notewright pairs), and try again; notewright train needs no proof.",
            )
        base = registry.ensure_base_model(library, self.settings)
        self._say_which(base)
        entries = [("base", base, False), ("base", base, True)]
        newest = self._train("sft", pairs)
        lacking = _learnt_nothing(newest)
        self.state.keep("sft_skipped", f"SFT: {lacking}" if lacking else "")
        entries += [] if lacking else [("SFT", newest, False), ("SFT", newest, True)]
        for label, method, kind in self._refinements():
            refined = self._refined(label, method, kind, newest)
            if refined:
                newest = refined
                entries += [(label, newest, False), (label, newest, True)]
        now_current = self._current()
        usual = self._usual(now_current)
        proven = now_current.metrics.get("examples")
        if isinstance(proven, bool) and proven != usual:  # the person changed since: which way is better now?
            entries.append(("current", now_current, proven))
        if self._changed_since(pairs):  # whoever wins will write with examples until it was measured anew
            entries = [entry for entry in entries if entry[2]]
        entries = self._not_gone_back_from(entries)
        # A contender that cannot differ from the current version only takes time and makes the others' proof harder.
        different: dict[tuple[str, bool], str] = {}
        for label, model, examples in entries:
            if (model.id, examples) != (now_current.id, usual):
                different.setdefault((model.id, examples), label)
        try:
            others = [
                self._contender(label, library.models.get(model_id), examples, pairs) for (model_id, examples), label in different.items()
            ]
            # Last, so that the figures kept with the current version are of the way in which it writes.
            return self._contender("current", now_current, usual, pairs), others
        finally:
            self.engines.release()

    def _not_gone_back_from(self, entries: list[tuple[str, Model, bool]]) -> list[tuple[str, Model, bool]]:
        """The ways to write that the person has not gone back from, as far as was known when the decision fell; why not is kept."""
        if "promoted" not in self.state:
            labels = {(model.id, examples): label for label, model, examples in reversed(entries)}
            left = gone_back_from(self.library, [(model, examples) for _, model, examples in entries])
            told = [
                [*way, f"{labels[way]}: you went back from {then}{', which was made of the same' if then != way[0] else ''}"]
                for way, then in left.items()
            ]
            self.state.keep("gone_back_from", told)
        left_out = {(model_id, examples) for model_id, examples, _ in self.state.table.get("gone_back_from", ())}
        return [entry for entry in entries if (entry[1].id, entry[2]) not in left_out]

    def _say_which(self, base: Model) -> None:
        """Whoever tried another base with `train sft --base` may expect it here."""
        now_current = self._current()
        if now_current.role != registry.REMOTE and now_current.base != base.base:
            name = now_current.base
            self.tell({
                "message": f"It builds on {base.base}, the base in your configuration; {now_current.id}, which writes now, is of {name}. "
                f"To build on that one instead, stop and type: notewright init --base {shlex.quote(name)}, then improve with --fresh."
            })  # fmt: skip

    def _current(self) -> Model:
        """The version to beat: the one that writes now, whatever wrote when this began; once the decision fell, the one it was about.
        Raises NotFound where its files are gone, before anything is trained."""
        if "promoted" not in self.state:
            now_current = registry.current(self.library, self.settings)
            registry.require_files(self.library, now_current)
            self.state.keep("current", now_current.id)
        return self.library.models.get(self.state["current"])

    def _refinements(self) -> list[tuple[str, str, str]]:
        method = self.state["reinforce"]
        return [*REFINEMENTS, *([(method.upper(), method, "sft")] if method else [])]

    def _dataset(self, kind: str) -> Dataset:
        key = f"{kind}_dataset"
        # What was refused for too few passages is looked at anew.
        if key not in self.state or (kind == "sft" and not trains(self.state.table)):
            self.tell({"status": f"building the data ({kind})"})
            note_change(self.library)
            if kind == "edits":  # the first of what was judged: what is judged from now on is for the next one
                self.state.keep("event", self.library.events.last())
            self.state.keep(key, datasets.build(self.library, kind=kind, settings=self.settings).id)
        return self.library.datasets.get(self.state[key])

    def _refined(self, label: str, method: str, kind: str, start: Model) -> Model | None:
        """What a refining method makes of the newest version, where the data suffice and it changed anything; why not is kept."""
        if f"{method}_skipped" not in self.state:
            lacking = self._lacking(method, kind)
            if not lacking:
                try:
                    model = self._train(method, self._dataset(kind), start=start.id)
                    lacking = _learnt_nothing(model)
                except training.Killed:
                    raise
                except (RunFailed, Invalid) as ended:  # it ran away, or too little of the data is usable; what it began with is as it was
                    lacking = ended.message
                    self.state.keep("failed", True)  # perhaps for a passing reason, as of memory
            self.state.keep(f"{method}_skipped", f"{label}: {lacking}" if lacking else "")
        return None if self.state[f"{method}_skipped"] else self.library.models.get(self.state[f"{method}_model"])

    def _lacking(self, method: str, kind: str) -> str:
        """What the data, or the rewards, lack for a method, in words."""
        if method in training.SAMPLING and not any(allowed(self.library, reward, "label") for reward in REWARDS):
            return f"no reward may label yet. The taste: {trust(self.library).of('taste').why}."
        try:
            dataset = self._dataset(kind)
        except (Invalid, NotFound) as nothing:
            return nothing.message
        own, needed = method in training.SAMPLING, MINIMUM_ROWS[method]
        rows = training.count_prompts(self.library, dataset) if own else dataset.rows("train")
        if rows < needed:
            return f"{count(rows, 'prompt' if own else UNITS[kind])}, at least {needed} are needed."
        if method == "ditto" and (watched := dataset.rows("valid")) < MINIMUM_WATCHED:
            return f"{count(watched, 'held-out passage')} to stop by, at least {MINIMUM_WATCHED} are needed."
        return ""

    def skipped(self) -> tuple[str, ...]:
        """Why methods were not trained, or changed nothing, and versions were not compared."""
        methods = ["sft", *(method for _, method, _ in self._refinements())]
        untrained = [reason for method in methods if (reason := self.state.table.get(f"{method}_skipped"))]
        return (*untrained, *dict.fromkeys(reason for *_, reason in self.state.table.get("gone_back_from", ())))

    def _train(self, method: str, dataset: Dataset, *, start: str = "") -> Model:
        key, begun = f"{method}_model", f"{method}_run"
        if key in self.state:
            made = self.library.models.get(self.state[key])
            if "promoted" in self.state or registry.has_files(self.library, made):
                return made
            self.state.forget(key)  # somebody deleted what it made

        def relay(event: dict[str, Any]) -> None:
            if "run" in event:
                self.state.keep(begun, event["run"])
            self.tell(event)

        try:
            if again := self._made_before(method, dataset, start):
                self.tell({"message": f"{again.id} was made of the same data by {method} before: it is taken as it is."})
                self.state.keep(key, again.id)
                return again
            run = self._run(method, dataset, start, relay)
        except training.Killed as killed:
            raise training.Killed(killed.message, "Go on from there with: notewright improve") from killed
        except (RunFailed, Invalid, NotFound, Unavailable):
            # It would only fail again: the next one begins it with what there is then, and with the options that are asked for then.
            self.state.forget(begun, *(("effort", "set", "reinforce") if method == "sft" else ()))
            raise
        except KeyboardInterrupt:
            raise KeyboardInterrupt("Stopped; go on from there with: notewright improve") from None
        if run.status == "interrupted":  # someone stopped its process, or the run by its name
            raise training.Killed(f"{run.id} was stopped.", "Go on from there with: notewright improve")
        self.state.keep(key, run.metrics["model"])
        return self.library.models.get(self.state[key])

    def _made_before(self, method: str, dataset: Dataset, start: str) -> Model | None:
        """What this training would only make again; with --fresh, and where it has begun, it does."""
        if self.state.table.get("fresh") or f"{method}_run" in self.state:
            return None
        return training.made_before(
            self.library, settings=self.settings, method=method, dataset_id=dataset.id, effort=self.effort, start_id=start,
            overrides=values_for(method, self.overrides),
        )  # fmt: skip

    def _run(self, method: str, dataset: Dataset, start: str, relay: Progress) -> Run:
        """The training that was begun, taken up again where it was broken off, or a new one."""
        known = self.state.table.get(f"{method}_run")
        while known and training.is_alive(self.library, known):  # of an improve that was killed: it stops at its next step
            self.tell({"status": f"waiting until {known} has stopped"})
            time.sleep(1)
        training.settle(self.library)
        self.tell({"status": f"training ({method})"})
        if known and self.library.runs.get(known).status == "interrupted":
            try:
                return training.resume_run(self.library, known, settings=self.settings, promote=False, progress=relay)
            except (Invalid, NotFound) as lost:  # the home was moved, or its folder deleted
                self.library.runs.update(known, status="failed")
                self.tell({"message": f"{known} cannot go on: {lost.message} It begins anew."})
        ended = self.library.runs.get(known) if known else None
        if ended and ended.status == "finished" and registry.has_files(self.library, self.library.models.get(str(ended.metrics["model"]))):
            return ended
        return training.train(
            self.library, settings=self.settings, method=method, dataset_id=dataset.id, effort=self.effort, start_id=start,
            overrides=values_for(method, self.overrides), promote=False, progress=relay,
        )  # fmt: skip

    def overtaken(self, current: Contender) -> str:
        """What happened while it was measured what has to be beaten, in words; nothing where that is what writes now."""
        now_current = registry.current(self.library, self.settings)
        if now_current.id != current.model_id:
            return f"{now_current.id} was made the current version meanwhile: that is what has to be beaten now."
        if self._usual(now_current) != current.examples:
            return (
                f"You changed meanwhile, and {now_current.id} writes with your newest notes as examples: that is what has to be beaten now."
            )
        return ""

    def measured_at(self) -> str:
        """Of when the held-out work is."""
        return self._dataset("sft").created_at

    def _changed_since(self, pairs: Dataset) -> bool:
        return bool(self.library.db.get_state(CHANGED)) and pairs.created_at < self.library.db.get_state(NOTICED)

    def _usual(self, model: Model) -> bool:
        """Whether drafting puts examples into this model's prompts; once the decision fell, whether it did then."""
        from ..drafting import taught_examples

        decided = self.state.table.get("usual") if "promoted" in self.state else None
        return taught_examples(self.library, model) > 0 if decided is None else bool(decided)

    def _contender(self, label: str, model: Model, examples: bool, pairs: Dataset) -> Contender:
        label += WITH_EXAMPLES if examples else ""
        # First, so that the figures kept with the model are those on sources that only measure.
        later = self._report(label, model, examples, pairs, LATER) if pairs.rows(LATER) else None
        reports = {split: self._report(label, model, examples, pairs, split) for split in HELD_OUT if pairs.rows(split)}
        whole = evaluation.merge(list(reports.values()))
        return Contender(label, model.id, examples, whole, later, reports["test"] if pairs.rows("test") >= FEWEST else None)

    def _report(self, label: str, model: Model, examples: bool, pairs: Dataset, split: str) -> EvaluationReport:
        key = f"report {model.id}{WITH_EXAMPLES if examples else ''} {split}"
        path = self.library.home / "logs" / Path(self.state.table.get(key, "")).name  # by its name, as a home can be moved
        if not path.is_file():
            writing = f"{label}, {split}"
            self.tell({"evaluating": writing, "done": 0, "total": pairs.rows(split)})  # the model is loaded before the first is written
            report = evaluation.evaluate(
                self.library, settings=self.settings, dataset_id=pairs.id, model_id=model.id, split=split, examples=examples,
                max_new_tokens=self.longest, engine=self.engines.get(self.library, model, device=self.settings.device),
                again=bool(self.state.table.get("fresh")),
                progress=lambda done, total: self.tell({"evaluating": writing, "done": done, "total": total}),
            )  # fmt: skip
            self.state.keep(key, report.path)
            return report
        return evaluation.read_report(path)


def _learnt_nothing(model: Model) -> str:
    """Why a training ended with what it began with, in words; it writes the same, and need not be measured."""
    if model.metrics.get("made_up"):
        return "it made words up about highlights that it was not taught, so that the model writes as before this training"
    if 0 in (model.metrics.get("kept_step"), model.metrics.get("kept_round")):
        return "nothing brought it nearer to your own passages, so that it writes as before this training"
    return ""


def _open(runs: Path, fresh: bool, *, anew: bool = False) -> _State:
    """The newest unfinished improve folder; a new one where there is none, or where it is to begin `anew`, as with `fresh`."""
    begun = numbered(runs)
    newest, folder = max(begun.items(), default=(0, runs))
    table = read_state(folder)
    if table and "finished_at" not in table and not (fresh or anew):
        return _State(folder / "state.json", table)
    folder = runs / f"improve-{newest + 1}"
    folder.mkdir(parents=True)
    state = _State(folder / "state.json", {"fresh": fresh})
    state.keep("started_at", now())
    return state


def values_for(method: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Of the values that were asked for, those of a method's recipe: all for SFT, `MACHINERY` for what goes on from there."""
    return {name: value for name, value in overrides.items() if method == "sft" or name in MACHINERY}


def _as_begun(state: _State, asked: Mapping[str, Any]) -> tuple[str, ...]:
    """Keep the options of one that begins; of one that goes on: those that are asked for now and that it was not begun with."""
    if not trains(state.table):  # nothing is trained yet: a mistaken option can still be put right
        state.table |= {name: value for name, value in asked.items() if value}
    begun = {name: state.table.setdefault(name, value) for name, value in asked.items()}
    state.table |= with_defaults(begun)
    other = [f"--effort {asked['effort']}"] if asked["effort"] not in ("", state["effort"]) else []
    other += [f"--set {name}={value}" for name, value in asked["set"].items() if begun["set"].get(name) != value]
    other += [f"--reinforce {asked['reinforce']}"] if asked["reinforce"] not in ("", begun["reinforce"]) else []
    return tuple(other)
