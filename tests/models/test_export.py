"""A version as a plain model folder: transformers alone writes from it what our engine writes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tiny_models
from notewright.cli import main
from notewright.errors import Invalid, NotFound
from notewright.library import Library
from notewright.models import bases, registry
from notewright.records import Model, Run
from notewright.settings import Settings, save_settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"),
]
Tiny = Callable[[str], Path]
MESSAGES = tiny_models.sft_rows(4)[3]["prompt"]


@pytest.fixture
def settings(home: Path) -> Settings:
    settings = Settings(home=home, device="cpu")
    save_settings(settings)
    return settings


def trained(library: Library, base: str, folder: Path) -> Model:
    """A version with a random adapter on this base."""
    import torch
    from peft import LoraConfig, get_peft_model

    from notewright.models.engine import load_base

    torch.manual_seed(3)
    found = bases.fetch_base(base)
    model, _ = load_base(found.folder)
    tuned = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False))
    tuned.save_pretrained(folder)
    run = library.runs.add(Run(library.runs.new_id(), "sft", "runs/x", "finished", "2026-01-01"))
    return registry.register(library, run, base=found, adapter=folder)


def plain_text(folder: Path, tokens: int, processors: Callable[[Any, Any, int], list[Any]] | None = None) -> str:
    """What transformers alone writes from an exported folder, greedily."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    try:
        asked = tokenizer.apply_chat_template(MESSAGES, add_generation_prompt=True, return_dict=True, return_tensors="pt")
    except Exception:  # a template that takes no system turn
        joined = [{"role": "user", "content": f"{MESSAGES[0]['content']}\n\n{MESSAGES[1]['content']}"}, *MESSAGES[2:]]
        asked = tokenizer.apply_chat_template(joined, add_generation_prompt=True, return_dict=True, return_tensors="pt")
    width = asked["input_ids"].shape[1]
    extra = processors(tokenizer, model, width) if processors else []
    written = model.generate(**asked, do_sample=False, max_new_tokens=tokens, logits_processor=extra)[0, width:]
    return str(tokenizer.decode(written, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def whole_letters(tokenizer: Any, model: Any, width: int) -> list[Any]:
    """A random model writes bytes that are no letters, which our engine leaves out."""
    from notewright.models.letters import letters_of

    letters = letters_of(tokenizer, model)

    def whole(seen: Any, scores: Any) -> Any:
        state = 0
        for token in seen[0, width:].tolist():
            state = int(letters.next[state, token])
        return scores + letters.masks[state]

    return [whole]


@pytest.mark.parametrize("shape", tiny_models.SHAPES)
def test_transformers_alone_writes_what_the_engine_writes(
    shape: str, tiny: Tiny, library: Library, settings: Settings, tmp_path: Path
) -> None:
    from notewright.models.engine import Engine
    from notewright.models.export import export_model

    model = trained(library, str(tiny(shape)), tmp_path / "adapter")
    steps: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error", FutureWarning)  # none is told
        folder = export_model(library, model.id, tmp_path / "out", settings=settings, progress=lambda *step: steps.append(step[2]))
    assert steps == ["reading the base", "adding the adapter", "writing", ""]
    assert not list(folder.glob("adapter*"))
    assert "What it learnt are notes and highlights of the person" in (folder / "README.md").read_text()
    assert {path.name for path in folder.iterdir()} >= {
        "README.md", "chat_template.jinja", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json"
    }  # fmt: skip
    draft = Engine(model.base, registry.adapter_folder(library, model), device="cpu").generate(MESSAGES, n=1, max_new_tokens=30)[0]
    assert draft.text == plain_text(folder, 30, whole_letters)
    assert draft.text != Engine(model.base, device="cpu").generate(MESSAGES, n=1, max_new_tokens=30)[0].text
    # It is a base like any other: what is exported can be trained on again.
    assert bases.fetch_base(str(folder)).folder == folder
    assert Engine(folder, device="cpu").generate(MESSAGES, n=1, max_new_tokens=30)[0].text == draft.text


def test_the_seedling_leaves_whole_by_command(library: Library, settings: Settings, tmp_path: Path, capsys: Any) -> None:
    from notewright.models.engine import Engine

    base = registry.current(library, settings)
    library.close()
    assert main(["models", "export", "current", str(tmp_path / "out")]) == 0
    assert f"{base.id} is in {tmp_path / 'out'}" in capsys.readouterr().out
    draft = Engine(device="cpu").generate(MESSAGES, n=1, max_new_tokens=60)[0]
    assert draft.text == plain_text(tmp_path / "out", 60)
    told = (tmp_path / "out/README.md").read_text()
    assert "The river carries silt to the plain." in told
    assert "convert_hf_to_gguf.py" in told
    assert "It is that model, untrained" in told
    assert "What it learnt" not in told
    assert main(["models", "export", "current", str(tmp_path / "out")]) == 1
    assert "not an empty folder" in capsys.readouterr().err


def test_nothing_is_left_where_it_cannot_be(library: Library, settings: Settings, tmp_path: Path, tiny: Tiny, monkeypatch: Any) -> None:
    from notewright.models import export

    model = trained(library, str(tiny("qwen2")), tmp_path / "adapter")
    remote = library.models.add(Model(library.models.new_id(), "http://x/v1", "", "remote", "2026-01-01"))
    reward = library.models.add(Model(library.models.new_id(), "x", "", "reward", "2026-01-01"))
    (tmp_path / "vault/.obsidian").mkdir(parents=True)
    (tmp_path / "file").write_text("mine")
    for model_id, place in (
        (remote.id, "a"), (reward.id, "a"), (model.id, "file"), (model.id, "vault/m"), (model.id, "none/m"), (model.id, "adapter"),
    ):  # fmt: skip
        with pytest.raises(Invalid):
            export.export_model(library, model_id, tmp_path / place, settings=settings)
    with pytest.raises(NotFound):
        export.export_model(library, "model-99", tmp_path / "a", settings=settings)
    (tmp_path / "empty").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(export, "_read_me", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            export.export_model(library, model.id, tmp_path / "empty", settings=settings)
    assert not list((tmp_path / "empty").iterdir())
    assert not list(tmp_path.glob("*.part"))
    own = tmp_path / "empty.part" / "chapter-1.md"  # the person's
    own.parent.mkdir()
    own.write_text("mine")
    assert export.export_model(library, model.id, tmp_path / "empty", settings=settings).joinpath("config.json").exists()
    assert own.read_text() == "mine"


def test_a_trained_adapter_names_the_bundled_base_where_it_lies(tmp_path: Path) -> None:
    """So that PEFT finds it, which knows no seedling."""
    from types import SimpleNamespace

    from peft import AutoPeftModelForCausalLM, LoraConfig, get_peft_model

    from notewright.models.engine import load_base
    from notewright.training.session import save_adapter

    base = bases.fetch_base("")
    model, _ = load_base(base.folder)
    tuned = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    job = SimpleNamespace(base=base.name, base_folder=str(base.folder), revision=base.revision)
    session: Any = SimpleNamespace(folder=tmp_path, model=tuned, job=job)
    loaded: Any = AutoPeftModelForCausalLM.from_pretrained(save_adapter(session))
    assert loaded.peft_config["default"].base_model_name_or_path == str(base.folder)
