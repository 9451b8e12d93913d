"""A version as a plain model folder, adapter added in, for programs that know nothing of notewright: transformers, llama.cpp, Ollama."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from peft import PeftModel

from ..errors import Invalid
from ..prompts import build_messages
from ..records import Highlight, Model, Prompt, Source
from ..settings import Settings, expanded, keep_out
from . import bases, chat
from .engine import load_base
from .registry import REMOTE, adapter_folder, require_files

if TYPE_CHECKING:
    from ..library import Library

SPARE = 100_000_000  # bytes of the disk that stay free
SAMPLE = Prompt(
    source=Source(title="The Slow River", author="A. Nonymous", kind="book"), chapter="Silt",
    highlights=(
        Highlight(text="The river carries silt to the plain.", annotation="why so slowly?", location=12, location_type="page"),
        Highlight(text="Mud is memory.", location=14, location_type="page"),
    ),
)  # fmt: skip


def export_model(
    library: Library, model_id: str, folder: Path, *, settings: Settings, progress: Callable[[int, int, str], None] | None = None
) -> Path:
    """Write the version into a new or empty folder, all of it or nothing, and return the folder.

    The weights are those that drafting uses, with the adapter added in; beside them lie the tokenizer with its chat template, a generation
    config with every token that ends a note, and a README that shows how to ask. `progress` gets steps done, steps in all and words for
    the next. Raises Invalid for a version without weights of ours, for a place that is taken or in the vault, and where memory or disk do
    not suffice; NotFound where its files are gone.
    """
    model = library.models.get(model_id)
    _require_weights(library, model)
    folder = _free_place(folder, settings)
    tell = progress or (lambda *_: None)
    base = bases.fetch_base(model.base, revision=model.revision)
    _require_room(base, folder)
    tell(0, 3, "reading the base")
    # In float32 sums lose less than in bfloat16.
    network, tokenizer = load_base(base.folder, dtype=torch.float32 if _parameters(base) <= bases.SMALL else None)
    if adapter := adapter_folder(library, model):
        tell(1, 3, "adding the adapter")
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)  # PEFT asks transformers
            network = PeftModel.from_pretrained(network, str(adapter), is_trainable=False).merge_and_unload()  # type: ignore[operator]
    tell(2, 3, "writing")
    partial = folder.with_name(f".{folder.name}.part")  # a name that is ours, as in `files`
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _write(network, tokenizer, partial, model)
        if folder.exists():
            folder.rmdir()
        os.replace(partial, folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    tell(3, 3, "")
    return folder


def _require_weights(library: Library, model: Model) -> None:
    if model.role == REMOTE:
        raise Invalid(
            f"{model.id} is written by the server {model.base}: its weights are not here.", "Choose another: notewright models list"
        )
    if model.role == "reward":
        raise Invalid(f"{model.id} is a reward model: it judges drafts and writes none.", "Choose another: notewright models list")
    require_files(library, model)


def _free_place(folder: Path, settings: Settings) -> Path:
    place = expanded(folder).absolute()
    keep_out(place, settings)
    if place.is_symlink() or (place.exists() and not place.is_dir()) or (place.is_dir() and any(place.iterdir())):
        raise Invalid(f"{place} is already there and not an empty folder.", "Name a new folder: nothing is overwritten.")
    if not place.parent.is_dir():
        raise Invalid(f"There is no folder {place.parent}.", "Make it first, or name a place in another folder.")
    return place


def _require_room(base: bases.Base, folder: Path) -> None:
    """The whole model stands in memory once, and on the disk once more."""
    count = _parameters(base)
    needed = int(count * bases.BYTES["float32" if count <= bases.SMALL else "bfloat16"])
    bases.require_memory(needed, bases.free_memory(), what=f"Exporting {base.name}", hint="Close other programs.")
    free = shutil.disk_usage(folder.parent).free
    if needed + SPARE > free:
        raise Invalid(
            f"The model takes {bases.readable(needed)}, but {bases.readable(free)} is free at {folder.parent}.",
            "Name a place on another disk.",
        )


def _parameters(base: bases.Base) -> int:
    return bases.parameter_count(bases.read_config(base.folder), base.folder)


def _write(network: Any, tokenizer: Any, folder: Path, model: Model) -> None:
    settings = network.generation_config
    settings.eos_token_id = sorted(chat.stop_tokens(tokenizer, settings.eos_token_id))
    if "strftime_now" in tokenizer.chat_template:
        tokenizer.chat_template = chat.ONE_DAY + tokenizer.chat_template  # as it was trained: with one day for all prompts
    network.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text(_read_me(tokenizer, model), encoding="utf-8")


def _read_me(tokenizer: Any, model: Model) -> str:
    messages = chat.fit_messages(tokenizer, build_messages(SAMPLE))
    turns = "\n\n".join(f"`{message['role']}`\n\n````text\n{message['content']}\n````" for message in messages)
    learnt = (
        "What it learnt are notes and highlights of the person who trained it: whoever gets this folder may get words of theirs."
        if model.adapter_path
        else "It is that model, untrained: nothing in this folder is of the person who exported it."
    )
    return f"""# {model.id}, exported from notewright

Made from the base model `{model.base}`{f", revision `{model.revision}`" if model.revision else ""}; that model's licence holds for this one
too. {learnt}

## How to ask

It writes a note from highlights. The messages that it knows, here for two highlights of an invented book:

{turns}

Two or three finished notes with their highlights may stand before the last turn, each as a `user` and an `assistant` turn. Rendered by the
chat template (with `add_generation_prompt=True`, and `enable_thinking=False` where the template knows it):

````text
{chat.render_prompt(tokenizer, messages)}
````

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
asked = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True, return_tensors="pt")
written = model.generate(**asked, do_sample=False, max_new_tokens=512)[0, asked["input_ids"].shape[1] :]
print(tokenizer.decode(written, skip_special_tokens=True))
```

vLLM serves the folder as it is. For llama.cpp, Ollama and LM Studio convert it to GGUF with llama.cpp's own script, which knows the
tokenizers of published models (not that of notewright's bundled seedling):

```
python convert_hf_to_gguf.py THIS_FOLDER --outfile {model.id}.gguf
llama-server -m {model.id}.gguf --jinja
```
"""
