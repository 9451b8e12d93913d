"""Whether an adapter's files are whole, told without loading them: a disk that was full, or half a copy, leaves them short."""

from __future__ import annotations

import json
from pathlib import Path

from ..errors import Invalid

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"


def require_whole(folder: Path) -> None:
    """Raises Invalid where the weights end before they should, or they or the config cannot be read."""
    try:
        json.loads((folder / CONFIG).read_bytes())
        weights = folder / WEIGHTS
        size = weights.stat().st_size
        with weights.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(min(length, size)))
        end = 8 + length + max(tensor["data_offsets"][1] for name, tensor in header.items() if name != "__metadata__")
        trouble = "" if size == end else f"the weights have {size:,} bytes of {end:,}"
    except OSError as error:
        trouble = f"{Path(error.filename or folder).name}: {error.strerror}"
    except (ValueError, LookupError, TypeError, AttributeError):
        trouble = "it is cut off or overwritten"
    if trouble:
        raise Invalid(
            f"The adapter in {folder} is damaged: {trouble}.",
            "Put a copy of that folder back (docs/your-data.md), or use another version: notewright models list, notewright models use ID",
        )
