"""[heavy] Entailment: does a highlight say what a sentence says? An optional gate with a model that the person names.

`nli_model = FOLDER` in config.toml: a sequence classifier in Hugging Face format whose labels include `entailment` (any NLI model), or with
two labels `1` means supported (MiniCheck, arXiv:2404.10774). Nothing is downloaded.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from transformers.utils import logging

from ..errors import Invalid, MissingExtra, NotFound

HINT = "Name a folder with an NLI model in Hugging Face format: nli_model in config.toml"


class NliModel:
    """A loaded classifier; `probability` is the chance that the premise entails the sentence."""

    def __init__(self, folder: Path) -> None:
        if not (folder / "config.json").is_file():
            raise NotFound(f"There is no entailment model in {folder}.", HINT)
        logging.disable_progress_bar()
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except (ImportError, ValueError) as error:
            if "sentencepiece" in str(error).lower() or "tiktoken" in str(error).lower() or "protobuf" in str(error).lower():
                raise MissingExtra(
                    f"The tokenizer of {folder} needs a package that is not installed.", "Install it with: pip install 'notewright[nli]'"
                ) from error
            raise Invalid(f"The tokenizer in {folder} cannot be read: {error}", HINT) from error
        try:
            model: Any = AutoModelForSequenceClassification.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
            )
        except ValueError as error:
            if "trust_remote_code" not in str(error):
                raise
            raise Invalid(f"{folder} can only be read by Python code that came with it, which is never run.", HINT) from error
        self.model = model.eval()
        self.longest = min(_positions(self.model), 1024)
        self.column = _entailment(model.config)
        if self.column is None:
            raise Invalid(f"{folder} is no entailment model: its labels are {', '.join(model.config.id2label.values())}.", HINT)

    @torch.inference_mode()
    def probability(self, premise: str, sentence: str) -> float:
        """What is too long is cut at its end, the longer one of the two first. A `</s>` that the texts quote is spelt out."""
        inputs = self.tokenizer(
            premise, sentence, truncation="longest_first", max_length=self.longest, return_tensors="pt", split_special_tokens=True
        )
        return float(self.model(**inputs).logits.float().softmax(-1)[0, self.column])


def _positions(model: Any) -> int:
    """How many tokens it can read. RoBERTa and its kin count places from behind their padding's number, so two of 514 are never used."""
    for layer in model.modules():
        table = getattr(layer, "position_embeddings", None)
        if isinstance(table, torch.nn.Embedding) and table.padding_idx is not None:
            return table.num_embeddings - table.padding_idx - 1
    return int(getattr(model.config, "max_position_embeddings", 512))


def _entailment(config: Any) -> int | None:
    """The column of the label `entailment`; of two unnamed labels the second."""
    names = {int(number): str(name).lower() for number, name in config.id2label.items()}
    for number, name in names.items():
        if name.startswith("entail"):
            return number
    return 1 if sorted(names.values()) == ["label_0", "label_1"] else None


@cache
def load(folder: Path) -> NliModel:
    """The model in `folder`, loaded once per process."""
    return NliModel(folder)
