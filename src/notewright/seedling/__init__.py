"""The bundled small base model: where it lies, how it was made, and the code that makes it again.

`model_dir()` is all that the rest of notewright needs; it imports nothing heavy. The other modules are the recipe, in flow order:
`corpora` (public-domain text, training and held-out books), `tokenizer`, `chat` (messages to tokens), `copying` (stage A),
`readers` and `styles` (stage B: invented readers and the notes they would write), `batches`, `train`, `export`.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def model_dir() -> Path:
    """The Hugging Face folder of the bundled model (config, tokenizer, chat template, weights, card)."""
    return Path(str(files(__package__))) / "model"
