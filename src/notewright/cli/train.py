"""notewright train METHOD, notewright runs [list|show]"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from ..clock import lasting, minute
from ..records import Model, Run
from .hints import say
from .show import as_json, facts, given_path, id_of, json_option, list_action, open_library, table
from .terminal import drawing_console, plain


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    if name == "runs":
        actions = parser.add_subparsers(metavar="list|show")
        list_action(parser, actions, list_runs, "trainings so far")
        show = actions.add_parser("show", help="one training: recipe, metrics, folder")
        show.add_argument("id", type=id_of("run"), help="as notewright runs lists it, or its number alone")
        json_option(show)
        show.set_defaults(handler=show_run)
        return
    parser.add_argument(
        "method",
        choices=("sft", "ditto", "edits", "dpo", "kto", "reward", "grpo", "rloo", "ppo"),
        help="sft: from the notes you wrote; ditto: your notes over what it writes itself; edits: from what you changed in drafts; "
        "dpo: from what you chose and edited; kto: from hundreds of accepted and rejected drafts; reward: a model that judges drafts as "
        "you do; grpo, rloo, ppo: from the model's own drafts, by their likeness to your notes and by a reward that has earned your trust",
    )
    parser.add_argument(
        "--base", default="", metavar="HUB_ID_OR_PATH", help="base model, for example Qwen/Qwen3-1.7B (default: as configured)"
    )
    newest = "default: the newest of the right kind, built anew if there is none"
    parser.add_argument("--dataset", type=id_of("dataset"), default="", metavar="ID", help=newest)
    parser.add_argument("--effort", choices=("quick", "normal", "thorough"), default="normal", help="how long it trains (default: normal)")
    parser.add_argument("--recipe", type=given_path, metavar="FILE.toml", help="a recipe file; a --set flag outranks it")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="one recipe value; may be repeated")
    parser.add_argument("--report-to", default="none", metavar="TRACKER", help="mlflow, tensorboard or trackio")
    parser.add_argument(
        "--accelerate",
        type=given_path,
        metavar="CONFIG",
        help="train in several processes or on several cards, as this file of accelerate says",
    )
    parser.add_argument("--resume", type=id_of("run"), metavar="RUN", help="go on with an interrupted training")
    parser.add_argument("--no-promote", action="store_true", help="register the model without making it the current one")
    parser.add_argument("--force", action="store_true", help="start although the memory may not suffice")
    json_option(parser)
    parser.set_defaults(handler=train)


def train(options: argparse.Namespace) -> None:
    from .. import datasets, training
    from ..errors import NotFound

    library, settings = open_library()
    with library, TrainingLine(quiet=options.json) as line:
        before = library.models.current()
        if options.resume is not None:
            run = training.resume_run(library, options.resume, settings=settings, promote=not options.no_promote, progress=line)
        else:
            kind = training.METHODS[options.method]
            dataset_id = options.dataset
            if not dataset_id:
                built = library.datasets.all(kind)
                dataset_id = built[-1].id if built else datasets.build(library, kind=kind, settings=settings).id
            elif library.datasets.get(dataset_id).kind != kind:
                raise NotFound(f"{dataset_id} is no {kind} dataset.", f"Build one with: notewright dataset {kind}")
            datasets.verify(library.datasets.get(dataset_id))
            run = training.train(
                library, settings=settings, method=options.method, base=options.base, dataset_id=dataset_id, effort=options.effort,
                recipe_file=options.recipe, overrides=overrides_of(options.set), report_to=options.report_to,
                accelerate=options.accelerate, promote=not options.no_promote, force=options.force, progress=line,
            )  # fmt: skip
        current = library.models.current()
        measured = any(item.rows("test") for item in library.datasets.all("sft")[-1:])
    if options.json:
        as_json(run)
        return
    _describe(run, settings.home)
    say("\n" + what_writes_now(run, before, current, measured=measured))


def what_writes_now(run: Run, before: Model | None, current: Model | None, *, measured: bool = True) -> str:
    """Which version writes after a training, whether anything was proven, and how to have it otherwise; `measured`: something is held out
    by which versions can be compared."""
    if run.status == "interrupted":
        return f"It can go on: notewright train {run.method} --resume {run.id}"
    if run.method == "reward":
        return "Next: notewright reward"
    made = str(run.metrics.get("model", ""))
    if not made or not current:
        return "Next: notewright status"
    if current.id != made:
        use = (
            f"To let {made} write: notewright models use {made}\n"
            if 0 not in (run.metrics.get("kept_round"), run.metrics.get("kept_step"))
            else ""
        )
        return f"{current.id} stays the current model. {use}".strip()
    told = f"Current model: {made}. Next: notewright draft --source TITLE"
    if before and before.id != made and not measured:
        told += (
            f"\nNothing is held out yet to compare it with {before.id}, which wrote before. Look for yourself: notewright models diff "
            f"{before.id} {made} --source TITLE\nBack: notewright models rollback"
        )
    elif before and before.id != made:
        told += (
            f"\nIt was not compared with {before.id}, which wrote before: notewright evaluate MODEL measures each on "
            "held-out work;\nnotewright improve compares before it promotes. Back: notewright models rollback"
        )
    return told


def overrides_of(settings: list[str]) -> dict[str, str]:
    """`["learning_rate=3e-4"]` as a table; raises Invalid for what has no `=`."""
    from ..errors import Invalid

    bad = [item for item in settings if "=" not in item]
    if bad:
        raise Invalid(f"--set needs NAME=VALUE, not {', '.join(bad)}.", "For example: --set learning_rate=3e-4")
    return dict(item.split("=", 1) for item in settings)


class TrainingLine:
    """One line on stderr that says where the training is; plain lines every tenth step where stderr is no terminal."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._status: Any = None

    def __enter__(self) -> TrainingLine:
        self._console = drawing_console()
        if self._console.is_terminal and not self._quiet:
            self._status = self._console.status("starting")
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def __call__(self, event: dict[str, Any]) -> None:
        if self._quiet:
            return
        if "message" in event:
            self._console.print(plain(str(event["message"])), markup=False, highlight=False, soft_wrap=True)
            return
        if "status" in event and self._status:
            from rich.markup import escape

            self._status.update(escape(plain(str(event["status"]))))
        if "step" not in event:
            return
        text = f"step {event['step']}/{event['steps']}  loss {event.get('loss', float('nan')):.3f}"
        if event.get("reward") is not None:
            text += f"  reward {event['reward']:.3f}  distance {event.get('kl', 0.0):.1f} nats"
        if event.get("tokens_per_second"):
            text += f"  {event['tokens_per_second']:,.0f} tokens/s"
        if event.get("eta_seconds") is not None:
            text += f"  {lasting(event['eta_seconds'])} left"
        if self._status:
            self._status.update(text)
        elif event["step"] % 10 == 0 or event["step"] == event["steps"]:
            self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _describe(run: Run, home: Path) -> None:
    shown: dict[str, object] = {"run": run.id, "method": run.method, "status": run.status, "dataset": run.dataset_id}
    shown |= {
        name: _readable(name, value) for name, value in run.metrics.items() if value is not None and not isinstance(value, (dict, list))
    }
    facts({**shown, "folder": home / run.path})


def _readable(name: str, value: object) -> object:
    from ..models.bases import readable, short

    match value:
        case bool():
            return "yes" if value else "no"
        case int() if name == "peak_memory":
            return readable(value)
        case int() if name in ("parameters", "trainable"):
            return short(value)
        case int() | float() if name.endswith("seconds"):
            return lasting(value)
        case float():
            return f"{value:.4g}"
    return value


def list_runs(options: argparse.Namespace) -> None:
    from ..overview import trainings

    library, _ = open_library()
    with library:
        runs = trainings(library)
    if options.json:
        as_json(runs)
        return
    rows = [(run.id, run.method, run.status, run.dataset_id, minute(run.created_at)) for run in runs]
    table(rows, "run", "method", "status", "dataset", "started", empty="No trainings yet. Start one with: notewright train sft")


def show_run(options: argparse.Namespace) -> None:
    from ..overview import trainings

    library, settings = open_library()
    with library:
        trainings(library)
        run = library.runs.get(options.id)
    if options.json:
        as_json(run)
        return
    _describe(run, settings.home)
    print("\nrecipe")
    facts({f"  {name}": value for name, value in run.recipe.items()})
