"""notewright bases list|get"""

from __future__ import annotations

import argparse
from dataclasses import asdict

from ..clock import roughly
from .hints import say
from .show import as_json, json_option, list_action, progress, table


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="list|get")
    list_action(parser, actions, list_bases, "open models by size: licence, memory, how long a draft takes on this CPU")
    get = actions.add_parser("get", help="download one; a broken download goes on; afterwards it works offline")
    get.add_argument("id", help="a hub id such as Qwen/Qwen3-0.6B, with @revision if you like")
    json_option(get)
    get.set_defaults(handler=get_base)


def list_bases(options: argparse.Namespace) -> None:
    from ..models import bases, catalogue

    free, speed = bases.free_memory(), catalogue.speed()
    best = catalogue.recommend(free, speed=speed)
    needs = {entry.id: catalogue.needs(entry) for entry in catalogue.CATALOGUE}
    if options.json:
        rows = [
            {
                "id": entry.id, "parameters": entry.parameters, "licence": entry.licence, "gated": entry.gated, "context": entry.context,
                "memory": asdict(needs[entry.id]), "remark": entry.remark, "recommended": entry is best,
                "draft_seconds_on_cpu": round(catalogue.draft_seconds(entry, speed)),
            }
            for entry in catalogue.CATALOGUE
        ]  # fmt: skip
        as_json(rows)
        return
    table(
        (
            (
                ("* " if entry is best else "  ") + entry.id,
                bases.short(entry.parameters),
                entry.licence + (" (accept it first)" if entry.gated else ""),
                f"{entry.context:,}",
                *(bases.readable(size) for size in (needs[entry.id].draft, needs[entry.id].lora, needs[entry.id].qlora)),
                roughly(catalogue.draft_seconds(entry, speed)),
            )
            for entry in catalogue.CATALOGUE
        ),
        "  base", "size", "licence", "context", "drafting", "LoRA", "QLoRA (CUDA)", "a draft on this CPU",
    )  # fmt: skip
    for entry in catalogue.CATALOGUE:
        if entry.remark:
            print(f"{entry.id}: {entry.remark}.")
    room = f"in the memory that is free ({bases.readable(free)})"
    slow = f"writes a draft on the CPU within {roughly(catalogue.PATIENCE)} if any does"
    able = "had chat training, has no licence to accept first"
    star = f"* recommended for this machine: the largest that can be trained {room}, {able} and {slow}."
    print(star if best else f"None of them can be trained on this machine {room}, on the CPU.")
    say("With a graphics card: notewright doctor")
    say("Any other hub id or folder works too. Next: notewright bases get ID, then notewright init --base ID")


def get_base(options: argparse.Namespace) -> None:
    from ..errors import Invalid
    from ..models import bases, download
    from ..settings import silence_telemetry

    silence_telemetry()
    name, _, revision = options.id.partition("@")
    if name.count("/") != 1:
        raise Invalid(f"{options.id!r} is no hub id.", "A hub id has an owner and a name: Qwen/Qwen3-0.6B. See: notewright bases list")
    with progress(f"{name}:") as advance:
        folder = download.download(name, revision, progress=lambda done, total, what: advance(done, total, what))
    config = bases.read_config(folder)
    base = bases.Base(name, folder, folder.name)
    if options.json:
        as_json({**asdict(base), "parameters": bases.parameter_count(config, folder)})
        return
    print(f"{name}: {config.get('model_type')}, {bases.short(bases.parameter_count(config, folder))} parameters, revision {base.revision}")
    say(f"in {folder}\nNext: notewright init --base {options.id}   (for one training only: notewright train sft --base {options.id})")
