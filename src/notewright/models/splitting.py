"""A base whose layers are split among the processes of a training, for one that no card holds whole (FSDP2, Zhao et al. 2023).

Every process keeps an equal part of each layer, and gets the rest of it from the others while the layer computes. Embeddings, head and
adapters stay whole everywhere: so an adapter is trained, saved and loaded as beside a whole base, a head can be used outside the model's
own forward pass, and no part mixes numbers of different widths. What is given up is little, as the layers are nearly all of a large base.

A pass through such a base is one of all processes: none can take one alone, nor leave one out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ..errors import Invalid
from . import bases

ROOM = 0.5  # share of the free memory that whole layers may take while drafts are written
READ_HINT = "Let fewer processes run on this machine, choose a smaller base, close other programs, or add --force to try all the same."


def require_room(base: str, parameters: int, dtype: torch.dtype, *, processes: int, override: bool = False) -> None:
    """Refuse a base that the processes of this machine cannot all read: each has the whole of it in main memory until it keeps its part."""
    needed = processes * int(parameters * bases.BYTES[str(dtype).removeprefix("torch.")])
    what = f"{base}, which is to be split and is read by {processes} processes of this machine at once,"
    bases.require_memory(needed, bases.free_memory(), what=what, hint=READ_HINT, override=override)


def split(model: Any, base: Any, device: str) -> None:
    """Split the layers of `base`, which `model` carries with adapters or is, and move everything to the device."""
    from torch.distributed.device_mesh import init_device_mesh  # here and below: drafting is spared a second of imports
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(device, (torch.distributed.get_world_size(),))
    kinds = set(base._no_split_modules or ())
    layers = [module for module in base.modules() if type(module).__name__ in kinds]
    if not layers:
        raise Invalid(
            f"transformers does not tell the layers of bases of the family {base.config.model_type}, so they cannot be split (kind FSDP).",
            "Choose another base: notewright bases",
        )
    trained = {weight for weight in model.parameters() if weight.requires_grad}
    for layer in layers:
        fully_shard(layer, mesh=mesh, ignored_params=trained)
    if device != "cpu":
        for module in model.modules():
            for name, buffer in module.named_buffers(recurse=False):
                module._buffers[name] = buffer.to(device)
        for weight in _whole(model):
            weight.data = weight.data.to(device)
    fully_shard(base.base_model, mesh=mesh, ignored_params=_whole(model))  # splits nothing more: the layers' passes are ordered together
    for layer in layers:
        # Their buffers are made now: made first where a reward judges, without gradients for good, they could not be trained through.
        layer.unshard()
        layer.reshard()
    base._notewright_layers = layers


def is_split(model: Any) -> bool:
    return bool(_layers(model))


def split_names(model: Any) -> set[str]:
    """The weights of which a process has a part only."""
    return {name for name, weight in model.named_parameters() if _is_part(weight)}


def any_says(flag: bool, device: Any) -> bool:
    """Whether any process says yes."""
    said = torch.tensor(float(flag), device=device)
    torch.distributed.all_reduce(said, torch.distributed.ReduceOp.MAX)
    return bool(said.item())


@contextmanager
def gathered(model: Any) -> Iterator[None]:
    """While drafts are written, where the memory has room for it, the layers stay whole once they were needed: each is needed for every
    token."""
    layers = _layers(model)
    if not layers or any_says(_size(model) > ROOM * _free(model.device), model.device):
        yield
        return
    for layer in layers:
        layer.set_reshard_after_forward(False, recurse=False)
    try:
        yield
    finally:
        for layer in layers:
            layer.set_reshard_after_forward(True, recurse=False)
            layer.reshard()


def _layers(model: Any) -> list[Any]:
    found: list[Any] = getattr(model, "_notewright_layers", [])
    return found


def _is_part(weight: Any) -> bool:
    from torch.distributed.tensor import DTensor

    return isinstance(weight, DTensor)


def _whole(model: Any) -> set[Any]:
    return {weight for weight in model.parameters() if not _is_part(weight)}


def _size(model: Any) -> int:
    """Bytes of the layers."""
    return sum(weight.numel() * weight.element_size() for weight in model.parameters() if _is_part(weight))


def _free(device: torch.device) -> int:
    return int(torch.cuda.mem_get_info()[0]) if device.type == "cuda" else bases.free_memory()
