"""[heavy] The neural reward model: a base with LoRA members that end in one number, and linear heads on the frozen base's own states.

    models/<id>/reward.json        what belongs together: members, scales, how each list was judged by members that never saw its question
    models/<id>/member-<k>/        a LoRA with its scalar head
    models/<id>/heads.safetensors  one row of weights per linear head, over the mean of the last hidden states of a text

A reward sees the system line, the last exchange's highlights and the text; earlier example exchanges tell nothing about this text.
"""

from __future__ import annotations

import json
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from peft import PeftConfig, PeftModel
from peft.utils import set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification
from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES as FAMILIES
from transformers.utils import logging

from ..errors import Invalid, NotFound
from ..models import bases, chat, engine, precision, quantization, registry
from ..prompts import Message
from ..records import Model
from .score import Score, combine, of_seen

if TYPE_CHECKING:
    from ..library import Library

PARTS = ("ensemble", "embedding")
ROOM = 4096  # tokens of one forward pass

Text = tuple[Sequence[Message], str]  # what was asked, and what was written


def load_scorer(folder: Path, *, device: str, dtype: torch.dtype | None = None, **options: Any) -> tuple[Any, Any]:
    """(base with a fresh scalar head, prepared tokenizer); the head is drawn by torch's generator, so seed it before.

    Raises Invalid for a base of a family for which transformers has no model with such a head.
    """
    config = bases.read_config(folder)
    if config.get("model_type") not in FAMILIES:
        raise Invalid(
            f"No reward model can stand on bases of the family {config.get('model_type')}: transformers has no scalar head for them.",
            "Name a base of another family for it (see: notewright bases): notewright train reward --base NAME",
        )
    dtype = dtype or precision.pick_dtype(bases.parameter_count(config, folder), device, str(config["model_type"]))
    tokenizer = engine.load_tokenizer(folder)
    with _quiet():
        model: Any = AutoModelForSequenceClassification.from_pretrained(
            folder, dtype=dtype, num_labels=1, use_safetensors=True, trust_remote_code=False, **options
        )
    if "quantization_config" not in options:
        model.to(device)
    model.config.get_text_config().pad_token_id = tokenizer.pad_token_id
    return model, tokenizer


def encode(tokenizer: Any, text: Text) -> tuple[list[int], int]:
    """The ids of a judged text and where the text itself begins in them."""
    messages = [item for item in text[0] if item["role"] == "system"][:1] + [item for item in text[0] if item["role"] == "user"][-1:]
    prompt = chat.encode_prompt(tokenizer, messages)
    return prompt + chat.encode_completion(tokenizer, text[1]), len(prompt)


@torch.inference_mode()
def rewards(model: Any, tokenizer: Any, rows: Sequence[list[int]]) -> torch.Tensor:
    """The scalar head's raw output for every row (float32, on the CPU)."""
    found = torch.zeros(len(rows))
    for places, ids, mask in _batches(rows, tokenizer.pad_token_id, model.device):
        found[places] = model(input_ids=ids, attention_mask=mask, use_cache=False).logits[:, 0].float().cpu()
    return found


@torch.inference_mode()
def embeddings(model: Any, tokenizer: Any, rows: Sequence[tuple[list[int], int]]) -> torch.Tensor:
    """The plain base's last hidden states, averaged over the text's own positions: (texts, hidden size)."""
    inner = model.base_model
    found: list[torch.Tensor | None] = [None] * len(rows)
    for places, ids, mask in _batches([ids for ids, _ in rows], tokenizer.pad_token_id, model.device):
        states = inner(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state.float().cpu()
        for place, state in zip(places, states, strict=True):
            found[place] = state[rows[place][1] : len(rows[place][0])].mean(0)
    return torch.stack([row for row in found if row is not None])


def _batches(rows: Sequence[list[int]], pad: int, device: Any) -> Iterator[tuple[list[int], torch.Tensor, torch.Tensor]]:
    """(places, padded ids, mask) of rows of similar length, as many at once as there is room for."""
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    while order:
        count = 1
        while count < len(order) and len(rows[order[count]]) * (count + 1) <= ROOM:
            count += 1
        places, order = order[:count], order[count:]
        width = max(len(rows[place]) for place in places)
        ids = torch.tensor([rows[place] + [pad] * (width - len(rows[place])) for place in places], device=device)
        mask = torch.tensor([[1] * len(rows[place]) + [0] * (width - len(rows[place])) for place in places], device=device)
        yield places, ids, mask


def read_about(folder: Path) -> dict[str, Any]:
    """A reward model's reward.json."""
    path = folder / "reward.json"
    if not path.is_file():
        raise NotFound(f"The files of this reward model are gone: {folder}", "Train one with: notewright train reward")
    about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return about


def in_four_bits(about: dict[str, Any], device: str) -> bool:
    """Whether its base is to be in 4 bits, as when it was trained: of a whole one its opinions would be others."""
    return about.get("quantize") == "4bit" and device == "cuda" and quantization.at_hand()


class NeuralReward:
    """A loaded reward model. Several threads may ask it for opinions: they take turns."""

    def __init__(self, folder: Path, *, base: Path, device: str = "auto") -> None:
        self._read(folder)
        self.device = engine.pick_device(device)
        options = {}
        if in_four_bits(self.about, self.device):
            options["quantization_config"] = quantization.four_bit(self.device, str(bases.read_config(base).get("model_type")))
        bare, self.tokenizer = load_scorer(base, device=self.device, **options)
        first, *others = self.about["members"]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)  # PEFT asks transformers
            self.model: Any = PeftModel.from_pretrained(bare, str(folder / first), adapter_name=first)
            for name in others:
                self.model.load_adapter(str(folder / name), adapter_name=name)
        self.model.eval()

    def close(self) -> None:
        """Give the memory back; it cannot judge any more."""
        self.model = None
        engine.give_back(self.device)

    def _read(self, folder: Path) -> None:
        self.about = read_about(folder)
        self.heads = load_file(folder / "heads.safetensors")
        self.longest = int(self.about["max_length"])
        self._asked = threading.Lock()  # an opinion is of the member whose adapter is set; the server builds datasets in threads

    def sees(self, texts: Sequence[Text]) -> list[bool]:
        """Which texts are, with their prompts, short enough to be judged."""
        return [len(encode(self.tokenizer, text)[0]) <= self.longest for text in texts]

    def opinions(self, texts: Sequence[Text]) -> dict[str, list[list[float]]]:
        """By part, every member's opinion of each text, in standard deviations of its opinions of the training texts."""
        rows = [encode(self.tokenizer, text) for text in texts]
        long = max((len(ids) for ids, _ in rows), default=0)
        if long > self.longest:
            raise Invalid(
                f"Prompt and draft have {long} tokens, but this reward model sees {self.longest} in all.",
                "Choose fewer highlights, or train one on a base with a longer context: notewright train reward --base NAME",
            )
        with self._asked:
            raw = torch.stack([self._member(name, [ids for ids, _ in rows]) for name in self.about["members"]])
            with self.model.disable_adapter():
                states = embeddings(self.model.get_base_model(), self.tokenizer, rows)
        return {
            "ensemble": self._standard("ensemble", raw),
            "embedding": self._standard("embedding", linear(self.heads, states)),
        }

    def _member(self, name: str, rows: Sequence[list[int]]) -> torch.Tensor:
        self.model.set_adapter(name)
        return rewards(self.model, self.tokenizer, rows)

    def score(self, texts: Sequence[Text], *, part: str = "") -> list[Score]:
        """One score a text, over the members of one part or (default) of both."""
        found = self.opinions(texts)
        members = [opinion for name in ([part] if part else PARTS) for opinion in found[name]]
        return [combine(opinions) for opinions in zip(*members, strict=True)]

    def _standard(self, part: str, raw: torch.Tensor) -> list[list[float]]:
        scales = torch.tensor(self.about["scales"][part])
        return [[float(value) for value in row] for row in (raw - scales[:, :1]) / scales[:, 1:]]


class GuestReward(NeuralReward):
    """A reward model whose members are adapters of a model that is in memory already, a causal one on the same base. Whoever asks for an
    opinion sets the adapter that it needs afterwards."""

    def __init__(self, folder: Path, *, model: Any, tokenizer: Any) -> None:
        self._read(folder)
        self.model, self.tokenizer, self.device = model, tokenizer, str(model.device)
        self._scores: dict[str, torch.Tensor] = {}
        for name in self.about["members"]:
            config = PeftConfig.from_pretrained(str(folder / name))
            config.task_type, config.modules_to_save, config.inference_mode = None, None, True
            weights = load_file(folder / name / "adapter_model.safetensors")
            score = next(key for key in weights if key.endswith("score.weight"))
            self._scores[name] = weights.pop(score).float().to(self.device)
            model.add_adapter(self._guest(name), config)
            set_peft_model_state_dict(model, weights, adapter_name=self._guest(name))

    def close(self) -> None:
        """Leave the model as it was: a process that has adapters which others lack cannot train it together with them."""
        for name in self.about["members"]:
            self.model.delete_adapter(self._guest(name))

    @staticmethod
    def _guest(name: str) -> str:
        return f"reward_{name}"

    @torch.inference_mode()
    def _member(self, name: str, rows: Sequence[list[int]]) -> torch.Tensor:
        self.model.set_adapter(self._guest(name), inference_mode=True)
        inner: Any = self.model.get_base_model().base_model
        found = torch.zeros(len(rows))
        for places, ids, mask in _batches(rows, self.tokenizer.pad_token_id, self.device):
            states = inner(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
            # As in transformers' own scorer the last token that is not the padding one; where that is also the end, the last word.
            ends = ((ids != self.tokenizer.pad_token_id) * torch.arange(ids.shape[1], device=ids.device)).argmax(1)
            last = states[torch.arange(len(places)), ends].float()
            found[places] = (last @ self._scores[name].T)[:, 0].cpu()
        return found


def linear(heads: dict[str, torch.Tensor], states: torch.Tensor) -> torch.Tensor:
    """(heads, texts): every linear head's raw opinion."""
    return heads["weights"] @ ((states - heads["centre"]) / heads["spread"]).T


_held: dict[tuple[str, str], NeuralReward] = {}
_alone = threading.Lock()


def open_reward(library: Library, model: Model, *, device: str = "auto") -> NeuralReward:
    """The reward model, loaded once per process, whoever asks meanwhile and by whatever name of the device; another one replaces it."""
    if model.role != "reward":
        raise Invalid(f"{model.id} is no reward model but a {model.role}.", "Train one with: notewright train reward")
    folder = registry.adapter_folder(library, model)
    assert folder is not None
    key = (str(folder), engine.pick_device(device))
    with _alone:
        if key not in _held:
            _held.clear()
            base = bases.fetch_base(model.base, revision=model.revision)
            _held[key] = NeuralReward(folder, base=base.folder, device=key[1])
        return _held[key]


def score(library: Library, model: Model, texts: Sequence[Text], *, device: str = "auto") -> list[Score | None]:
    """What a registered reward model says of each text; None where it is too long for that."""
    judge = open_reward(library, model, device=device)
    return of_seen(judge.sees(texts), lambda places: judge.score([texts[at] for at in places]))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the loader's report that the head is new and the base's own head is not used."""
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
