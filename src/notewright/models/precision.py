"""Which numbers weights are in and work is computed in, by size, device and family."""

from __future__ import annotations

import torch

from . import bases
from .lookup import TINY

ROOMY = 0.4  # share of the free memory that weights in float32 may take


def native_bf16(device: str) -> bool:
    """Whether bfloat16 is fast here and not merely emulated."""
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device == "cpu" and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def overflows(family: str) -> bool:
    """Whether what layers of this family (the config's `model_type`) compute runs over in float16: Gemma of every number scales its
    embeddings and adds up states far beyond 65,504. (T5's do so too, but have encoders, and none is loaded here.)"""
    return "gemma" in family


def needs_float32(family: str, device: str) -> bool:
    """Whether such a base is on a card that would compute in float16."""
    return device == "cuda" and overflows(family) and not native_bf16(device)


def pick_dtype(parameters: int, device: str, family: str) -> torch.dtype:
    """float32 where `_is_halved` does not say otherwise, else bfloat16; on Metal and on cards that only emulate it float16, where the
    family bears it."""
    if not _is_halved(parameters, device):
        return torch.float32
    if device == "mps" or (device == "cuda" and not native_bf16(device)):
        return torch.float32 if overflows(family) else torch.float16
    return torch.bfloat16


def training_dtypes(
    parameters: int, device: str, precision: str, family: str, *, quantised: bool = False
) -> tuple[torch.dtype, torch.dtype | None]:  # fmt: skip
    """What a base's weights are in while an adapter is trained beside them in float32, and what autocast computes in (None: it does not).

    float16 loses small gradients unless the loss is scaled, which is done under autocast on CUDA only; so on Metal nothing is in float16,
    and on a card that emulates bfloat16 only what is computed by autocast. Losses that are scaled save no activation that runs over.
    """
    large, native = _is_halved(parameters, device), native_bf16(device)
    if device == "cpu" and precision == "float32" and parameters <= bases.SMALL:
        return torch.float32, None
    if device == "mps":
        known = torch.backends.mps.is_macos_or_newer(14, 0)
        return torch.bfloat16 if large and known else torch.float32, None
    if device == "cuda" and not native:
        if precision == "float32" and not quantised:
            return torch.float32, None
        if overflows(family) and (quantised or precision == "auto"):
            return torch.float32, None
        if quantised or (large and precision == "auto"):
            return torch.float16 if large else torch.float32, torch.float16
    half = precision == "bfloat16" or (precision == "auto" and native)
    return torch.bfloat16 if large else torch.float32, torch.bfloat16 if half else None


def _is_halved(parameters: int, device: str) -> bool:
    """Whether a base's weights are to take two bytes each. A processor with bfloat16 of its own reads in half of the time then and writes
    in two thirds, if not with the small matrices of a tiny base. One that emulates it reads a prompt in a sixth of the time in float32 (lab
    notes), so there only a base is halved that fills the memory otherwise."""
    if device == "cpu":
        if native_bf16(device):
            return parameters > TINY
        return parameters > bases.SMALL and bases.BYTES["float32"] * parameters > ROOMY * bases.free_memory()
    return parameters > bases.SMALL
