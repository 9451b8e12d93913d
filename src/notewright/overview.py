"""What is there, what comes next, and what is wrong: the views behind `status` and `doctor`, for every face."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import platform
import shlex
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from .clock import roughly
from .errors import Busy, Invalid, NotewrightError, Unavailable
from .library import Library, was_used
from .library.atwork import AtWork, at_work, gathered
from .library.database import now
from .models.turns import Online, online
from .records import Run
from .settings import Settings, expanded, is_hub_id, silence_telemetry
from .text import normalise

if TYPE_CHECKING:
    from .importers.vault import Unread

# By module, what the packages of pyproject.toml's extras are for.
EXTRAS = {
    "bitsandbytes": "4-bit QLoRA on CUDA: pip install 'notewright[quantization]'",
    "wordllama": "pairing by meaning, for paraphrases: pip install 'notewright[embeddings]'",
    "sentencepiece": "tokenizers of some entailment models (nli_model): pip install 'notewright[nli]'",
    "google.protobuf": "tokenizers of some entailment models (nli_model): pip install 'notewright[nli]'",
    "mlflow": "tracking with --report-to mlflow: pip install 'notewright[tracking]'",
    "tensorboard": "tracking with --report-to tensorboard: pip install 'notewright[tracking]'",
    "trackio": "tracking with --report-to trackio: pip install 'notewright[tracking]'",
}


@dataclass(frozen=True, slots=True)
class Status:
    """The library in numbers. `next` is the one command that brings the person furthest now; `resume` has that which goes on with each
    interrupted run: the other unfinished ones are being trained.

    `improving` is the `improve` that is at work, in whatever process. `trust` says what each learnt reward may do (nothing, order, label),
    as last judged, which was before the newest choices where `trust_is_old`; `online` how the kept versions stand; `unread` what of the
    vault changed since it was read, None where it never was, or is away.
    """

    counts: dict[str, int]
    current_model: str
    current_role: str
    current_dataset: str
    unfinished_runs: tuple[str, ...]
    resume: dict[str, str]
    improving: AtWork | None
    next: str
    trust: dict[str, str]
    trust_is_old: bool
    online: Online
    unread: Unread | None


@dataclass(frozen=True, slots=True)
class Checkup:
    """`findings` by what was looked at, `problems` to mend, `absent` optional packages with what they would give."""

    findings: dict[str, str]
    problems: tuple[str, ...]
    absent: dict[str, str]


def status(library: Library, *, settings: Settings) -> Status:
    """Where the library stands."""
    counts, current = library.counts(), library.models.current()
    runs = trainings(library)
    unfinished = [run for run in runs if run.status in ("running", "interrupted")]
    resume = _resume(library, [run for run in unfinished if run.status == "interrupted"])
    newest, _ = library.browse.batches(limit=1)
    unranked = next((batch.id for batch in newest if batch.drafts > 1 and not (batch.ranked or batch.accepted or batch.rejected)), "")
    finished = [run.created_at for run in runs if run.status == "finished" and run.method != "reward"]
    learnt_at = max((at for at in finished if at <= now()), default="")  # not by a clock that was ahead: nothing would be new for as long
    seen, began = gathered(library.home, finished=True)  # what came of these may be nothing
    rows, held_out, few_sources = _rows(library, counts["pairs_teaching"])
    improving, paired_at = at_work(library.home), library.pairs.paired_at()[0]
    done = Done(
        counts=counts, read=_read(library, settings, counts["notes"]), few_sources=few_sources,
        paired=paired_at == library.pairs.changes(), pairs_old=0 <= paired_at < library.pairs.changes(), rows=rows, held_out=held_out,
        trained=bool(current and current.role != "base") or any(model.role == "policy" for model in library.models.all()),
        resume=tuple(resume[run.id] for run in unfinished if run.id in resume and run.method != "reward"),
        training=next((run.id for run in runs if run.status in ("created", "running")), ""), improving=improving is not None,
        unranked=unranked,
        fresh=library.events.count("ranking", "edit", since=max(learnt_at, began), after=seen),
    )  # fmt: skip
    following = next_command(settings, done)
    if following == IMPORT:
        following = _import(settings)
    elif following == DRAFT:
        following = _draft(library)
    return Status(
        counts=counts, current_model=current.id if current else "", current_role=current.role if current else "",
        current_dataset=current.dataset_id if current else "", unfinished_runs=tuple(run.id for run in unfinished), resume=resume,
        improving=improving, next=following, trust=library.trust(),
        trust_is_old=library.trust_is_old(), online=online(library, settings=settings), unread=_unread(library, settings),
    )  # fmt: skip


def _read(library: Library, settings: Settings, notes: int) -> bool:
    """Was this vault read? Another one that was may be the same in its former place: reading it again tells."""
    last = library.sources.get_state("vault:scan")
    if not last or settings.vault is None:
        return bool(last or notes)
    return bool(json.loads(last).get("vault") == str(settings.vault.resolve()))


def _unread(library: Library, settings: Settings) -> Unread | None:
    if settings.vault is None or not library.sources.get_state("vault:scan"):
        return None
    from .importers.vault import unread  # takes longer than all the rest of the command

    return unread(library, settings=settings)


def trainings(library: Library) -> list[Run]:
    """All runs, oldest first; those whose worker is gone are marked as interrupted before, if the library can be written."""
    runs = library.runs.all()
    if all(run.status not in ("created", "running") for run in runs):
        return runs
    from .training.runs import settle  # takes longer than all the rest of the command, and is seldom needed

    with suppress(Busy, Unavailable):
        settle(library)
    return library.runs.all()


def _resume(library: Library, interrupted: Sequence[Run]) -> dict[str, str]:
    if not interrupted:
        return {}
    from .training.runs import resuming

    return {run.id: resuming(library, run) for run in interrupted}


IMPORT, DRAFT = "notewright import readwise PATH", "notewright draft --source TITLE"  # as long as it is not known what
ENOUGH = 8  # rankings and edits since the last training that make a rebuild worth its time
TO_TRAIN = 8  # passages, the least of `train sft`
TO_COMPARE = 6  # held-out passages; with fewer `improve` promotes nothing


@dataclass(frozen=True, slots=True)
class Done:
    """What was done so far. `read`: this vault was, also if it holds no note; `paired`: nothing has changed since the last pairing;
    `pairs_old`: something has since there was one, as a book was imported, or a pair decided, which corrects the scores of others.

    `rows` are those that the newest SFT dataset trains on, None where there is none, more pairs teach than it was made of, or something
    of it was removed since; `held_out` those that it keeps back; `resume` are the commands that go on with a training of a version,
    `training` is a run that is going on, `improving` whether an `improve` is: beside them no other begins. `fresh` counts rankings and
    edits that no training has seen; `few_sources`: all that teaches now leaves too little to hold back for an `improve` to prove anything.
    """

    counts: dict[str, int]
    read: bool = True
    paired: bool = True
    pairs_old: bool = False
    rows: int | None = None
    held_out: int = 0
    trained: bool = False
    resume: tuple[str, ...] = ()
    training: str = ""
    improving: bool = False
    unranked: str = ""
    fresh: int = 0
    few_sources: bool = False


def _rows(library: Library, teaching: int) -> tuple[int | None, int, bool]:
    """`rows`, `held_out` and `few_sources` of `Done`."""
    for dataset in library.datasets.all("sft")[-1:]:
        if library.hidden.taught_by(dataset):  # no training takes it
            break
        manifest: dict[str, Any] = dataset.manifest
        counts = manifest.get("counts", {})
        rows = int(counts.get("train", 0))
        seen = manifest.get("parents", {}).get("pairs", 0) + sum(manifest.get("left_out", {}).values())
        held_out, whole = int(counts.get("valid", 0)) + int(counts.get("test", 0)), teaching <= seen
        if rows >= TO_TRAIN or whole:
            return rows, held_out, whole and held_out < TO_COMPARE
    return None, 0, False


def next_command(settings: Settings, done: Done) -> str:
    """The one command that brings the person furthest now. A draft that waits for a ranking comes before trainings; where there is too
    little to train on, drafts come first, as what is accepted of them is what the first training learns from."""
    if settings.vault is None or not settings.vault.is_dir():
        return "notewright init --vault PATH"
    if not done.counts["highlights"]:
        return IMPORT
    if not done.read:
        return "notewright import vault"
    if done.counts["notes"] and not done.counts["pairs"] and not done.paired:
        return "notewright pair"
    if done.unranked:
        return f"notewright rank {done.unranked}"
    if done.counts["notes"] and done.pairs_old:  # what comes next learns from them
        return "notewright pair"
    if not done.trained and (step := _training(done)):
        return step
    if done.trained and done.fresh >= ENOUGH and not (done.training or done.improving or done.few_sources):
        return "notewright improve"
    return DRAFT


def _import(settings: Settings) -> str:
    """With the folder of exports in the vault, where there is one."""
    from .vault.config import read_config  # only a new library asks

    assert settings.vault is not None
    with suppress(NotewrightError):
        there = next((path for name in read_config(settings).readwise_folders if (path := settings.vault / name).is_dir()), None)
        if there:
            return f"notewright import readwise {shlex.quote(str(there))}"
    return IMPORT


def _draft(library: Library) -> str:
    """With the first chapter that has no note yet, where there is one."""
    waiting = library.browse.waiting()
    if not waiting:
        return DRAFT
    first = waiting[0]
    several = sum(normalise(source.title) == normalise(first.source_title) for source in library.sources.all()) > 1
    divided = any(view.chapter for view in library.browse.chapters(source_ids=[first.source_id]))
    source = shlex.quote(first.source_id if several else first.source_title)
    return f"notewright draft --source {source}" + (f" --chapter {shlex.quote(first.chapter)}" if divided else "")


def _training(done: Done) -> str:
    """The step towards the first trained version, if one can be taken: by comparison with the base, where enough is held out for that."""
    if done.training:
        return f"notewright runs show {done.training}"
    if done.improving:
        return ""
    if done.resume:
        return done.resume[0]
    if done.rows is None:
        return "notewright dataset sft" if done.counts["pairs_teaching"] >= TO_TRAIN else ""
    if done.rows < TO_TRAIN:
        return ""
    return "notewright improve" if done.held_out >= TO_COMPARE else "notewright train sft"


def checkup(settings: Settings) -> Checkup:
    """Look at Python, packages, machine, library, vault, token, the server that writes (if named), base model and current version."""
    findings: dict[str, str] = {}
    problems: list[str] = []
    findings["python"] = f"{platform.python_version()} ({sys.executable})"
    _packages(findings, problems)
    _machine(findings, problems, settings)
    _library(findings, problems, settings)
    _vault(findings, problems, settings)
    _engine(findings, problems, settings)
    _base(findings, problems, settings)
    _current(findings, problems, settings)
    absent = {name: gain for name, gain in EXTRAS.items() if not _installed(name)}
    return Checkup(findings, tuple(problems), absent)


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # nor is the package that it is in
        return False


def _packages(findings: dict[str, str], problems: list[str]) -> None:
    found = []
    for name in ("torch", "transformers", "trl", "peft"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            problems.append(f"{name} is not installed: pip install notewright")
    findings["packages"] = ", ".join(found)


def _machine(findings: dict[str, str], problems: list[str], settings: Settings) -> None:
    import psutil

    silence_telemetry()
    from .models.engine import pick_device
    from .models.precision import native_bf16

    device = pick_device(settings.device)
    large = ", of a large base float16" if device == "cuda" else ", drafting too where there is room"
    emulated = f"emulated: training uses float32{large}"
    findings["device"] = f"{device}, bfloat16 {'native' if native_bf16(device) else emulated}"
    memory = psutil.virtual_memory()
    findings["memory"] = f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB free, {os.cpu_count()} cores"
    folder = next(place for place in (settings.home, *settings.home.parents) if place.exists())
    free = shutil.disk_usage(folder).free
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        problems.append(f"{folder} is {'read-only' if folder.is_dir() else 'no folder'}, so there can be no library in {settings.home}")
    findings["disk"] = f"{free / 2**30:.1f} GiB free at {folder}"
    if free < 2**30:
        problems.append(f"less than 1 GiB of disk is free at {folder}")


def _library(findings: dict[str, str], problems: list[str], settings: Settings) -> None:
    if not (settings.home / "library.db").exists() and not was_used(settings.home):
        findings["library"] = f"none in {settings.home}: notewright init --vault PATH"
        return
    findings["library"] = str(settings.home)
    try:
        with Library.open(settings.home) as library:
            library.check()
    except NotewrightError as error:
        problems.append(f"{error.message} {error.hint}")


def _vault(findings: dict[str, str], problems: list[str], settings: Settings) -> None:
    from .importers.readwise_api import token_place
    from .vault import iterate_notes, read_config

    if settings.vault is None:
        findings["vault"] = "none: notewright init --vault PATH"
    elif not settings.vault.is_dir():
        findings["vault"] = f"{settings.vault} (missing)"
        problems.append(f"the vault {settings.vault} does not exist: notewright init --vault PATH")
    else:
        config = read_config(settings)
        notes = sum(1 for _ in iterate_notes(settings.vault, config, exclude=settings.exclude))
        problems.extend(config.warnings)
        writable = "writable" if os.access(settings.vault, os.W_OK) else "read-only"
        findings["vault"] = f"{settings.vault} ({notes:,} {'note' if notes == 1 else 'notes'} of yours, {writable})"
        if writable == "read-only":
            problems.append(f"the vault {settings.vault} cannot be written to: accepting drafts will fail")
    try:
        findings["Readwise token"] = token_place(settings) or "none (only needed for --api): notewright token set"
    except NotewrightError as error:
        problems.append(f"{error.message} {error.hint}")


def _engine(findings: dict[str, str], problems: list[str], settings: Settings) -> None:
    """The server that writes in place of a model of ours, where one is named: does it answer?"""
    from .models.remote import RemoteEngine, engine_key

    if not (url := settings.engine_url):
        return
    findings["engine"] = url
    try:
        names = RemoteEngine(url, settings.engine_model or "any", key=engine_key(settings.home), silence=10).models()
        findings["engine"] = f"{url}, which offers {', '.join(names[:3])}{', …' if names[3:] else ''}"
    except NotewrightError as error:
        problems.append(f"{error.message} {error.hint}")


def _base(findings: dict[str, str], problems: list[str], settings: Settings) -> None:
    """The base model: looked at where it lies on this machine; a hub id is only named, never downloaded from here."""
    from .models import bases

    name = settings.base_model or bases.SEEDLING
    if name != bases.SEEDLING and not expanded(name).is_dir() and is_hub_id(name):
        findings["base model"] = f"{name} (from the Hub, fetched at its first use)"
        return
    try:
        base = bases.fetch_base(name)
        config = bases.read_config(base.folder)
        size = bases.parameter_count(config, base.folder)
    except NotewrightError as error:
        findings["base model"] = name
        problems.append(f"{error.message} {error.hint}")
        return
    context = config.get("max_position_embeddings", "unknown")
    findings["base model"] = f"{base.name}: {config.get('model_type')}, {bases.short(size)} parameters, context {context}, in {base.folder}"
    if base.name == bases.SEEDLING:
        findings["seedling card"] = str(base.folder / "README.md")
    if bigger := _recommended(settings, size):
        findings["bigger base"] = bigger


def _current(findings: dict[str, str], problems: list[str], settings: Settings) -> None:
    """The version that writes: are its files there, and the base that it was trained on?"""
    from .models import adapters, registry

    if not (settings.home / "library.db").exists():
        return
    with suppress(Invalid, Busy, Unavailable), Library.open(settings.home) as library:  # what is wrong with the library is said already
        if (model := library.models.current()) is None:
            return
        findings["current version"] = f"{model.id} ({model.role})"
        try:
            registry.require_files(library, model)
            if folder := registry.adapter_folder(library, model):
                adapters.require_whole(folder)
        except NotewrightError as error:
            problems.append(f"{model.id} cannot write: {error.message} {error.hint}")


def _recommended(settings: Settings, size: int) -> str:
    """Empty where a base of `size` parameters is as much as this machine bears."""
    from .models import bases, catalogue
    from .models.engine import free_on_device, pick_device

    device = pick_device(settings.device)
    speed = catalogue.speed() if device == "cpu" else math.inf
    best = catalogue.recommend(free_on_device(device), device=device, speed=speed)
    if best is None:
        return "none fits the free memory: notewright bases"
    if best.parameters <= 1.01 * size:
        return ""
    takes = f", a draft in about {roughly(catalogue.draft_seconds(best, speed))}" if device == "cpu" else ""
    return f"{best.id} ({bases.short(best.parameters)}, {best.licence}{takes}): notewright bases get {best.id}"
