"""notewright improve"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from .hints import say
from .show import as_json, count, json_option, open_library, table
from .train import TrainingLine, overrides_of

CONFIDENCE = 0.9


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--effort", choices=("quick", "normal", "thorough"), default="", help="how long it trains (default: normal)")
    parser.add_argument("--confidence", type=float, default=CONFIDENCE, help=f"how sure a promotion must be (default {CONFIDENCE})")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a value of the SFT recipe; precision, quantize and activation_checkpointing hold for every method",
    )
    parser.add_argument(
        "--reinforce", choices=("grpo", "rloo", "ppo"), default="", help="learn from its own drafts too, once a reward may label them: slow"
    )
    parser.add_argument("--fresh", action="store_true", help="begin anew although an unfinished one could go on, or nothing is new")
    parser.add_argument(
        "--schedule", action="store_true", help="print the lines that run it every night with these options; do nothing else"
    )
    parser.add_argument("--at", metavar="HH:MM", help="with --schedule: when (default 03:30)")
    json_option(parser)
    parser.set_defaults(handler=improve)


def improve(options: argparse.Namespace) -> None:
    import re

    from .. import loop
    from ..errors import Invalid
    from ..settings import load_settings
    from ..training.recipes import resolve

    if not 0.5 <= options.confidence < 1:
        raise Invalid(f"A confidence of {options.confidence} makes no sense.", "Give one from 0.5 up to 0.99.")
    if options.at is not None and not options.schedule:
        raise Invalid(
            "--at says when a nightly one runs; without --schedule it would begin now.", "Add --schedule, or leave out --at to begin now."
        )
    at = "03:30" if options.at is None else options.at
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", at):
        raise Invalid(f"{at!r} is no time of day.", "Give hours and minutes: --at 03:30")
    overrides = overrides_of(options.set)
    if options.schedule:
        resolve("sft", parameters=1, rows=1, overrides=overrides)  # what cannot be is said now, not every night
        lines = loop.schedule(load_settings().home, at=at, options=list(_given(options)))
        as_json({"lines": lines.splitlines()}) if options.json else print(lines)
        return
    library, settings = open_library()
    with library, TrainingLine() as line:  # on stderr, which no JSON goes to: the server follows it

        def tell(event: dict[str, Any]) -> None:
            if "evaluating" in event:
                who, done, total = event["evaluating"], event["done"], event["total"]
                whole = {"message": f"{who}: {count(total, 'held-out passage')} written"}
                event = whole if done == total else {"status": f"{who}: held-out passage {done + 1} of {total}"}
            line(event)

        report = loop.improve(
            library, settings=settings, effort=options.effort, confidence=options.confidence, overrides=overrides,
            reinforce=options.reinforce, fresh=options.fresh, progress=tell,
        )  # fmt: skip
    if options.json:
        as_json({**{item.name: getattr(report, item.name) for item in fields(report)}, "verdict": report.verdict})
        return
    rows = [
        (
            verdict.contender.label, verdict.contender.model_id, f"{verdict.comparison.after:.3f}",
            f"{verdict.comparison.difference:+.3f} ({verdict.comparison.low:+.3f} to {verdict.comparison.high:+.3f})",
            "; ".join(verdict.objections) or "passes",
        )
        for verdict in report.decision.verdicts
    ]  # fmt: skip
    if rows:
        table(rows, "contender", "model", "distance", "change (90 %)", "verdict")
    if report.ignored:
        print(f"It went on as it was begun, without {' '.join(report.ignored)}; to begin anew with that, add --fresh.")
    for skipped in report.skipped:
        say(f"left out: {skipped}")
    print(f"\n{report.verdict}")
    say(f"{report.reason}.\nReport: {report.page}")
    if report.promoted:
        say("Not what you like? notewright models rollback")


def _given(options: argparse.Namespace) -> Iterator[str]:
    """The options of this call that a nightly one has too."""
    for name, usual in (("effort", ""), ("confidence", CONFIDENCE), ("reinforce", "")):
        if getattr(options, name) != usual:
            yield from (f"--{name}", str(getattr(options, name)))
    for value in options.set:
        yield from ("--set", value)
    yield from ["--fresh"] if options.fresh else []
