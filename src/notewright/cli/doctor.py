"""notewright doctor"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..errors import NotewrightError
from ..settings import Settings, load_settings, silence_telemetry
from .show import as_json, count, facts, json_option

EXTRAS = {
    "bitsandbytes": "4-bit QLoRA on CUDA: pip install 'notewright[quantization]'",
    "mlflow": "tracking with --report-to mlflow: pip install 'notewright[tracking]'",
    "tensorboard": "tracking with --report-to tensorboard: pip install 'notewright[tracking]'",
    "trackio": "tracking with --report-to trackio: pip install 'notewright[tracking]'",
}


def configure(name: str, parser: argparse.ArgumentParser) -> None:
    json_option(parser)
    parser.set_defaults(handler=doctor)


def doctor(options: argparse.Namespace) -> int:
    settings = load_settings()
    findings: dict[str, object] = {}
    problems: list[str] = []
    findings["python"] = f"{platform.python_version()} ({sys.executable})"
    _packages(findings, problems)
    _machine(findings, problems, settings)
    _vault(findings, problems, settings)
    _base(findings, problems, settings)
    absent = {name: gain for name, gain in EXTRAS.items() if importlib.util.find_spec(name) is None}
    if options.json:
        as_json({"findings": findings, "problems": problems, "not_installed": absent})
        return 1 if problems else 0
    facts(findings)
    for name, gain in absent.items():
        print(f"not installed: {name:<13} {gain}")
    for problem in problems:
        print(f"PROBLEM: {problem}")
    print("\nAll is well." if not problems else f"\n{len(problems)} to mend.")
    return 1 if problems else 0


def _packages(findings: dict[str, object], problems: list[str]) -> None:
    found = []
    for name in ("torch", "transformers", "trl", "peft"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            problems.append(f"{name} is not installed: pip install notewright")
    findings["packages"] = ", ".join(found)


def _machine(findings: dict[str, object], problems: list[str], settings: Settings) -> None:
    import psutil

    silence_telemetry()
    from ..models.engine import native_bf16, pick_device

    device = pick_device(settings.device)
    findings["device"] = f"{device}, bfloat16 {'native' if native_bf16(device) else 'emulated: training uses float32'}"
    memory = psutil.virtual_memory()
    findings["memory"] = f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB free, {os.cpu_count()} cores"
    folder = next(place for place in (settings.home, *settings.home.parents) if place.exists())
    free = shutil.disk_usage(folder).free
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        problems.append(f"{folder} is {'read-only' if folder.is_dir() else 'no folder'}, so there can be no library in {settings.home}")
    findings["disk"] = f"{free / 2**30:.1f} GiB free at {folder}"
    if free < 2**30:
        problems.append(f"less than 1 GiB of disk is free at {folder}")
    findings["library"] = (
        settings.home if (settings.home / "library.db").exists() else f"none in {settings.home}: notewright init --vault PATH"
    )


def _vault(findings: dict[str, object], problems: list[str], settings: Settings) -> None:
    from ..importers.readwise_api import token_place
    from ..vault import iterate_notes, read_config

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
        findings["vault"] = f"{settings.vault} ({count(notes, 'note')} of yours, {writable})"
        if writable == "read-only":
            problems.append(f"the vault {settings.vault} cannot be written to: accepting drafts will fail")
    try:
        findings["Readwise token"] = token_place(settings) or "none (only needed for --api): notewright token set"
    except NotewrightError as error:
        problems.append(f"{error.message} {error.hint}")


def _base(findings: dict[str, object], problems: list[str], settings: Settings) -> None:
    """The base model: looked at where it lies on this machine; a hub id is only named, never downloaded from here."""
    from ..models import bases

    name = settings.base_model or bases.SEEDLING
    if name != bases.SEEDLING and not Path(name).expanduser().is_dir():
        findings["base model"] = f"{name} (from the Hub, fetched at its first use)"
        return
    try:
        base = bases.fetch_base(name)
    except NotewrightError as error:
        findings["base model"] = name
        problems.append(f"{error.message} {error.hint}")
        return
    config = bases.read_config(base.folder)
    size = bases.parameter_count(config, base.folder)
    context = config.get("max_position_embeddings", "unknown")
    findings["base model"] = f"{base.name}: {config.get('model_type')}, {bases.short(size)} parameters, context {context}, in {base.folder}"
    if base.name == bases.SEEDLING:
        findings["seedling card"] = base.folder / "README.md"
    findings["bigger base"] = _recommended(settings)


def _recommended(settings: Settings) -> str:
    from ..models import bases, catalogue
    from ..models.engine import free_on_device, pick_device

    device = pick_device(settings.device)
    best = catalogue.recommend(free_on_device(device), device=device)
    if best is None:
        return "none fits the free memory: notewright bases"
    return f"{best.id} ({bases.short(best.parameters)}, {best.licence}): notewright bases get {best.id}"
