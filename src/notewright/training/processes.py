"""Several processes that train one adapter: who is first, what they agree on, and one gradient for all. Alone, all of it is free.

A base that is split among them (`models.splitting`) lets none of them work alone on the model: whatever it reads or writes, all do.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from ..errors import Invalid
from ..models import splitting


def count() -> int:
    """Processes of this training, as its launcher set them up."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def here() -> int:
    """Those of them that run on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", count()))


def rank() -> int:
    return int(os.environ.get("RANK", "0"))


def is_first() -> bool:
    """Whether this process is the one that tells, saves and is asked to stop."""
    return rank() == 0


def share(total: int, *, what: str) -> int:
    """This process's equal part of `total`."""
    if total % count():
        raise Invalid(f"{what} = {total} cannot be divided among {count()} processes.", f"Choose a multiple: --set {what}={count() * 4}")
    return total // count()


def join(device: str) -> None:
    """Take this process's own card and meet the other processes: NCCL between graphics cards, gloo between processors."""
    if device == "cuda":  # else every process of this machine would work on the first card
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    if count() > 1 and not dist.is_initialized():
        dist.init_process_group("nccl" if device == "cuda" else "gloo")


def agree(flag: bool, device: str = "cpu") -> bool:
    """Whether any process says yes: a step is taken by all or by none."""
    if count() == 1 or not dist.is_initialized():
        return flag
    said = torch.tensor(float(flag), device=device if dist.get_backend() == "nccl" else "cpu")
    dist.all_reduce(said, dist.ReduceOp.MAX)
    return bool(said.item())


def total(values: torch.Tensor) -> torch.Tensor:
    """The sum over all processes."""
    if count() > 1:
        dist.all_reduce(values)
    return values


def gather(item: Any) -> list[Any]:
    """Every process's item, by rank."""
    if count() == 1:
        return [item]
    items: list[Any] = [None] * count()
    dist.all_gather_object(items, item)
    return items


def first(item: Any) -> Any:
    """The first process's item: where the others' may differ by a hair, its word counts for all."""
    return gather(item)[0]


def sum_gradients(parameters: Sequence[torch.nn.Parameter]) -> None:
    """Add up the gradients of all processes, each of which divided its loss by what all of them hold together."""
    if count() == 1:
        return
    for parameter in parameters:
        if parameter.grad is None:  # this process held none of the drafts of the minibatch
            parameter.grad = torch.zeros_like(parameter)
    grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flat = torch.cat([grad.flatten() for grad in grads])
    dist.all_reduce(flat)
    for grad, piece in zip(grads, flat.split([grad.numel() for grad in grads]), strict=True):
        grad.copy_(piece.view_as(grad))


class Averaging:
    """A mixin for trainers of transformers. Beside a split base it averages the adapter's gradients by torch's own means: accelerate would
    split the model once more, or refuse it."""

    def _move_model_to_device(self, model: Any, device: Any) -> None:
        if not splitting.is_split(model):  # its parts are where they belong, and cannot be moved
            super()._move_model_to_device(model, device)  # type: ignore[misc]

    def _wrap_model(self, model: Any, training: bool = True, dataloader: Any = None) -> Any:
        wrapped = super()._wrap_model(model, training, dataloader)  # type: ignore[misc]
        if not training or not splitting.is_split(model) or isinstance(wrapped, DistributedDataParallel):
            return wrapped
        wrapped = self.accelerator.prepare_model(model, evaluation_mode=True)  # type: ignore[attr-defined]  # computes in its precision
        DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(wrapped, splitting.split_names(wrapped))
        return DistributedDataParallel(wrapped)


def wait() -> None:
    if count() > 1 and dist.is_initialized():
        dist.barrier()
