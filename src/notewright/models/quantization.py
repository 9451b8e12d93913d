"""Bases in 4 bits (QLoRA, Dettmers et al. 2023: NF4, double quantisation): for training, and for drafting on a card that is too small
for the base otherwise."""

from __future__ import annotations

import importlib.util
from typing import Any

import torch
from transformers import BitsAndBytesConfig

from ..errors import Invalid, MissingExtra
from .precision import native_bf16, overflows

INSTALL = "pip install 'notewright[quantization]'"


def at_hand() -> bool:
    return importlib.util.find_spec("bitsandbytes") is not None


def four_bit(device: str, family: str) -> Any:
    """How transformers loads a base of this family in 4 bits. Raises Invalid without a CUDA device, MissingExtra without bitsandbytes."""
    if device != "cuda":
        raise Invalid("4-bit training (quantize = 4bit) needs a CUDA device.", "Leave out quantize, or use a machine with an NVIDIA card.")
    if not at_hand():
        raise MissingExtra("4-bit training needs bitsandbytes.", f"Install it with: {INSTALL}")
    computed = torch.bfloat16 if native_bf16(device) else torch.float32 if overflows(family) else torch.float16
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=computed, bnb_4bit_use_double_quant=True,
    )  # fmt: skip
