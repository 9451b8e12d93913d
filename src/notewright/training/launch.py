"""The command of the training process: one process, or as many as a configuration file of accelerate says.

accelerate config --config_file several.yaml       asks how many processes, cards and machines there are (`require_config`)
notewright train sft --accelerate several.yaml
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from ..errors import Invalid, MissingExtra, NotFound

WORKER = "notewright.training.worker"


def require_config(path: Path | None) -> None:
    """Refuse a configuration that is missing or is none of accelerate's, and one that splits the model otherwise than we do (`splits`).

    DeepSpeed up to stage 2 splits what the optimizer keeps, not the model. At stage 3 it splits the model, once its trainer begins:
    until then every card would have to hold the base, and checks and drafts, which look at the model elsewhere, would find parts.
    """
    if path is None:
        return
    table = _read(path)
    kind = table["distributed_type"]
    stage = int((table.get("deepspeed_config") or {}).get("zero_stage", 3)) if kind == "DEEPSPEED" else 0
    if kind == "MEGATRON_LM" or stage > 2:
        raise Invalid(
            f"{path.name} says {kind}{f' at stage {stage}' if stage else ''}, by which no training can be run here.",
            "Use a configuration of kind FSDP, which splits a base that no card holds, or of MULTI_GPU or MULTI_CPU.",
        )
    if kind == "DEEPSPEED" and importlib.util.find_spec("deepspeed") is None:
        raise MissingExtra(f"{path.name} says DEEPSPEED, which is not installed.", "Install it with: pip install deepspeed")
    if str((table.get("fsdp_config") or {}).get("fsdp_offload_params", False)).lower() == "true":
        raise Invalid(
            f"{path.name} leaves the base in main memory (fsdp_offload_params), which trainings here do not.",
            "Set it to false; more cards take smaller parts each.",
        )


def splits(path: Path | None) -> bool:
    """Whether the base's layers are to be split among the processes (kind FSDP)."""
    return path is not None and str(_read(path)["distributed_type"]) == "FSDP"


def count(path: Path | None) -> int:
    """Of the processes that a configuration asks for; 1 without one."""
    return 1 if path is None else int(_read(path)["num_processes"])


def worker_command(folder: Path, config: str = "") -> list[str]:
    """What starts the worker of a run folder. Several processes on a CPU come from torchrun, as accelerate would ask for MPI."""
    if not config:
        return [sys.executable, "-m", WORKER, str(folder)]
    table = _read(Path(config))
    if table["distributed_type"] == "MULTI_CPU" or (table["distributed_type"] == "FSDP" and table.get("use_cpu")):
        several = ["--standalone", "--nproc_per_node", str(table["num_processes"])]
        return [sys.executable, "-m", "torch.distributed.run", *several, "-m", WORKER, str(folder)]
    return [sys.executable, "-m", "accelerate.commands.launch", "--config_file", config, "-m", WORKER, str(folder)]


def _read(path: Path) -> dict[str, Any]:
    import yaml

    hint = f"Write one with: accelerate config --config_file {path}"
    if not path.is_file():
        raise NotFound(f"There is no accelerate configuration {path}.", hint)
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is not valid YAML: {error}", hint) from error
    if not isinstance(table, dict) or "distributed_type" not in table or not isinstance(table.get("num_processes"), int):
        raise Invalid(f"{path} is no accelerate configuration: it names no distributed_type and num_processes.", hint)
    return table
