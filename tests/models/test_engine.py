"""Drafting: reproducible per seed whatever stands beside, stopped where it should be, adapters switched without a reload."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import tiny_models
from notewright.errors import Invalid, NotFound

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"),
]
Tiny = Callable[[str], Path]
MESSAGES = tiny_models.sft_rows(4)[3]["prompt"]


@pytest.mark.parametrize("shape", tiny_models.SHAPES)
def test_a_draft_depends_on_its_seed_and_not_on_its_neighbours(shape: str, tiny: Tiny) -> None:
    from notewright.models.engine import Engine

    engine = Engine(tiny(shape), device="cpu")
    three = engine.generate(MESSAGES, n=3, max_new_tokens=40, seed=5)
    assert [draft.seed for draft in three] == [5, 6, 7]
    assert [draft.greedy for draft in three] == [True, False, False]
    assert len({draft.text for draft in three}) == 3
    assert engine.generate(MESSAGES, n=3, max_new_tokens=40, seed=5) == three
    assert engine.generate(MESSAGES, n=7, max_new_tokens=40, seed=5)[:3] == three
    assert engine.generate(MESSAGES, n=1, max_new_tokens=40, seed=7, greedy_first=False) == three[2:]
    assert engine.generate(MESSAGES, n=1, max_new_tokens=40)[0].text == three[0].text


@pytest.mark.parametrize("shape", tiny_models.SHAPES)
def test_greedy_drafts_equal_transformers_own(shape: str, tiny: Tiny) -> None:
    """With whole letters only: a random model writes other bytes too."""
    import torch

    from notewright.models import chat
    from notewright.models.engine import Engine
    from notewright.models.letters import letters_of

    engine = Engine(tiny(shape), device="cpu")
    ids, letters = chat.encode_prompt(engine.tokenizer, MESSAGES), letters_of(engine.tokenizer, engine._bare)

    def whole(seen: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        state = 0
        for token in seen[0, len(ids) :].tolist():
            state = int(letters.next[state, token])
        return scores + letters.masks[state]

    expected = engine._model.generate(
        input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), do_sample=False, max_new_tokens=30,
        eos_token_id=list(engine._stops), pad_token_id=0, logits_processor=[whole],
    )[0, len(ids) :].tolist()  # fmt: skip
    draft = engine.generate(MESSAGES, n=1, max_new_tokens=30)[0]
    assert draft.text == chat.decode(engine.tokenizer, [token for token in expected if token not in engine._stops])
    assert draft.tokens == len(expected)
    assert draft.finished == (expected[-1] in engine._stops)


@pytest.mark.parametrize("shape", tiny_models.SHAPES)
def test_drafts_of_many_prompts_are_those_written_alone(shape: str, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models import engine as engines

    engine = engines.Engine(tiny(shape), device="cpu")
    tasks = [row["prompt"] for row in tiny_models.sft_rows(5)]
    alone = [engine.generate(task, n=1, max_new_tokens=24)[0] for task in tasks]
    parts: list[int] = []
    plain = engines.sample
    monkeypatch.setattr(engines, "sample", lambda model, ids, **more: parts.append(len(ids)) or plain(model, ids, **more))
    monkeypatch.setattr(engines, "AT_ONCE", 2)
    written = engine.write_each(tasks, max_new_tokens=24)
    first = next(written)
    assert parts == [2]  # no more before what is written was given
    assert dict([first, *written]) == dict(enumerate(alone))
    assert parts == [2, 2, 1]
    parts.clear()
    engine._small = False  # as for a large base, whose keys and values take much memory
    assert dict(engine.write_each(tasks, max_new_tokens=24)) == dict(enumerate(alone))
    assert parts == [4, 1]
    assert not list(engine.write_each([]))


@pytest.mark.parametrize("shape", tiny_models.SHAPES)
def test_a_shared_prompt_makes_no_difference(shape: str, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models import sharing
    from notewright.models.engine import Engine

    readings: list[object] = []
    plain = sharing.sdpa_attention_forward
    monkeypatch.setattr(sharing, "sdpa_attention_forward", lambda *args, **more: readings.append(args[0]) or plain(*args, **more))
    engine = Engine(tiny(shape), device="cpu")
    assert engine._shares == (shape in sharing.FAMILIES)
    drafts = engine.generate(MESSAGES, n=3, max_new_tokens=40)
    if shape == "llama":
        assert len(readings) == engine._bare.config.num_hidden_layers  # the prompt's; all later ones share it
    engine._shares = False
    assert engine.generate(MESSAGES, n=3, max_new_tokens=40) == drafts


def test_logprob_is_the_sum_over_the_passage_and_its_end(tiny: Tiny) -> None:
    import torch

    from notewright.models import chat
    from notewright.models.engine import Engine

    engine = Engine(tiny("mistral"), device="cpu")
    prompt, answer = chat.encode_prompt(engine.tokenizer, MESSAGES), chat.encode_completion(engine.tokenizer, "## A note\n")
    with torch.inference_mode():
        scores = engine._model(input_ids=torch.tensor([prompt + answer])).logits[0].log_softmax(-1)
    expected = sum(float(scores[len(prompt) + i - 1, token]) for i, token in enumerate(answer))
    total, count = engine.logprob(MESSAGES, "## A note\n")
    assert total == pytest.approx(expected, abs=1e-3)
    assert count == len(answer)


def test_adapters_are_switched_without_a_reload(tiny: Tiny, tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model

    from notewright.models.engine import Engine, load_base

    for seed in (1, 2):
        torch.manual_seed(seed)
        model, _ = load_base(tiny("qwen2"))
        tuned = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False))
        tuned.save_pretrained(tmp_path / f"adapter-{seed}")
    engine = Engine(tiny("qwen2"), device="cpu")
    bare = engine._bare

    def score() -> float:
        return engine.logprob(MESSAGES, "## Note\n")[0]

    plain, makeup = score(), engine.makeup
    engine.use_adapter(tmp_path / "adapter-1")
    one, of_one = score(), engine.makeup
    engine.use_adapter(tmp_path / "adapter-2")
    two = score()
    assert len({plain, one, two}) == len({makeup, of_one, engine.makeup}) == 3
    engine.use_adapter(tmp_path / "adapter-1")
    assert score() == one
    engine.use_adapter(None)
    assert (score(), engine.makeup) == (plain, makeup)
    assert engine._bare is bare
    assert Engine(tiny("qwen2"), tmp_path / "adapter-2", device="cpu").logprob(MESSAGES, "## Note\n")[0] == pytest.approx(two, abs=1e-4)
    with pytest.raises(NotFound, match="no adapter in"):
        engine.use_adapter(tmp_path / "nowhere")


@pytest.mark.parametrize("merges", [True, False])
def test_of_many_adapters_the_last_few_stay_loaded(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, merges: bool) -> None:
    import torch
    from peft import LoraConfig, get_peft_model

    from notewright.models import engine as engines

    folders = []
    for seed in range(3):
        torch.manual_seed(seed)
        model, _ = engines.load_base(tiny("qwen2"))
        tuned = get_peft_model(model, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False))
        folders.append(tmp_path / f"adapter-{seed}")
        tuned.save_pretrained(folders[-1])
    if not merges:
        monkeypatch.setattr(engines, "MERGED", 0)
    monkeypatch.setattr(engines, "HELD", 2)
    engine = engines.Engine(tiny("qwen2"), device="cpu")
    plain = engine.logprob(MESSAGES, "## Note\n")[0]
    scores, sizes = {}, []
    for number in (0, 1, 0, 2, 1, 0, 2, 2, 0, 1):
        engine.use_adapter(folders[number])
        found = engine.logprob(MESSAGES, "## Note\n")[0]
        assert scores.setdefault(number, found) == found
        sizes.append(sum(weights.numel() for weights in engine._bare.parameters()))
        assert len(engine._names) <= 2
    assert len(set(scores.values()) | {plain}) == 4
    assert len(set(sizes[1:])) == 1
    assert list(engine._names) == [key for number in (0, 1) for key in engine._names if key[0].name == f"adapter-{number}"]
    engine.use_adapter(None)
    assert engine.logprob(MESSAGES, "## Note\n")[0] == plain


def test_limits(tiny: Tiny) -> None:
    from notewright.models.engine import Engine, pick_device

    engine = Engine(tiny("llama"), device="cpu")
    endless = [{"role": "user", "content": "The river carries silt to the plain. " * 300}]
    with pytest.raises(Invalid, match=r"The prompt has \d+ tokens, but this model sees 1024"):
        engine.generate(endless)
    with pytest.raises(Invalid, match="this model sees 1024"):
        engine.logprob(endless, "x")
    near = [{"role": "user", "content": "\x01" * 960}]
    drafts = engine.generate(near, n=2, max_new_tokens=500, seed=3)
    assert all(draft.tokens <= 64 for draft in drafts)
    with pytest.raises(Invalid, match="no mps device"):
        pick_device("mps")


def test_a_base_that_does_not_fit_is_refused(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models import bases
    from notewright.models.engine import Engine

    monkeypatch.setattr(bases, "free_memory", lambda: 1000)
    with pytest.raises(Invalid, match="Drafting with .* needs about .* of memory, but 0 MB is free"):
        Engine(tiny("llama"), device="cpu")
    assert Engine(tiny("llama"), device="cpu", force=True).generate(MESSAGES, n=1, max_new_tokens=2)


def test_progress_is_told_and_may_stop_the_drafting(tiny: Tiny) -> None:
    from notewright.models.engine import Engine

    engine = Engine(tiny("llama"), device="cpu")
    seen: list[tuple[int, int]] = []
    engine.generate(MESSAGES, n=2, max_new_tokens=6, on_token=lambda written, writing: seen.append((written, writing)))
    assert [written for written, _ in seen] == list(range(1, len(seen) + 1))
    assert len(seen) <= 6

    def stop(written: int, writing: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.generate(MESSAGES, on_token=stop)


def test_progress_is_not_that_of_the_candidate_that_is_furthest(tiny: Tiny) -> None:
    from notewright.models.engine import Engine

    engine = Engine(tiny("llama"), device="cpu")
    first = engine.generate(MESSAGES, n=1, max_new_tokens=1)[0]
    engine._stops = {engine.tokenizer(first.text, add_special_tokens=False)["input_ids"][0]}  # the greedy one ends at once
    seen: list[tuple[int, int]] = []
    engine.generate(MESSAGES, n=2, temperature=5.0, max_new_tokens=10, on_token=lambda *told: seen.append(told))
    assert seen[:2] == [(5, 1), (6, 1)]
    assert seen[-1] == (10, 0) or seen[-1] == (10, 1)


@pytest.mark.parametrize("shape", tiny_models.SHAPES)
def test_texts_are_told_as_they_grow(shape: str, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models import engine as module

    monkeypatch.setattr(module, "TELL_EVERY", 0.0)
    told: dict[int, list[str]] = {}
    engine = module.Engine(tiny(shape), device="cpu")
    drafts = engine.generate(MESSAGES, n=3, max_new_tokens=30, seed=5, on_text=lambda row, text: told.setdefault(row, []).append(text))
    for row, draft in enumerate(drafts):
        assert len(told[row]) > 3
        assert told[row] == list(dict.fromkeys(told[row]))
        assert told[row][-1].rstrip("\ufffd") == draft.text.rstrip("\ufffd")
        assert not any(text.endswith("\ufffd") for text in told[row][:-1])


def test_a_stop_text_ends_a_candidate_and_is_not_part_of_it(tiny: Tiny) -> None:
    from notewright.models.engine import Engine

    engine = Engine(tiny("llama"), device="cpu")
    whole = engine.generate(MESSAGES, n=2, max_new_tokens=40, seed=5)
    stop = whole[0].text[5:8]
    cut = engine.generate(MESSAGES, n=2, max_new_tokens=40, seed=5, stop=[stop])
    assert cut[0].text == whole[0].text[: whole[0].text.index(stop)]
    assert cut[0].finished
    assert cut[0].tokens < whole[0].tokens
    assert cut[1].text == whole[1].text.partition(stop)[0]


def test_loops_can_be_forbidden(tiny: Tiny) -> None:
    import torch

    from notewright.models.engine import Row

    scores = torch.zeros(9)
    scores[4], scores[5] = 3.0, 2.0
    row = Row({8}, seed=0, temperature=0.0, top_p=1.0, no_repeat_ngram=3)
    for _ in range(8):
        row.choose(scores)
    runs = [tuple(row.ids[i : i + 3]) for i in range(6)]
    assert row.ids[:4] == [4, 4, 4, 5]
    assert len(set(runs)) == len(runs)


def test_what_is_thought_aloud_is_no_part_of_a_draft(tiny: Tiny) -> None:
    from notewright.models.engine import Row, load_tokenizer

    read = load_tokenizer(tiny("llama"))
    row = Row({read.eos_token_id}, seed=0, temperature=0.0, top_p=1.0, no_repeat_ngram=0, tokenizer=read)
    told = []
    for token in read("<think>\nHm.\n</think>\n\nMud is memory.")["input_ids"]:
        row.ids.append(token)
        told.append(row.grown())
    assert row.result().text == "Mud is memory."
    assert not any("<" in text for text in told if text)


def test_sampling_follows_the_probabilities() -> None:
    import torch

    from notewright.models.engine import Row

    chances = torch.tensor([0.5, 0.3, 0.15, 0.05])
    counts = [0, 0, 0, 0]
    row = Row(set(), seed=1, temperature=1.0, top_p=0.9, no_repeat_ngram=0)
    for _ in range(4000):
        row.choose(chances.log())
    for token in row.ids:
        counts[token] += 1
    assert counts[3] == 0
    assert [count / 4000 for count in counts[:3]] == pytest.approx([0.5 / 0.95, 0.3 / 0.95, 0.15 / 0.95], abs=0.03)


@pytest.mark.parametrize("size", [40, 64, 65, 3000])
def test_looking_at_the_likeliest_tokens_first_changes_nothing(size: int) -> None:
    import torch

    from notewright.models.engine import _nucleus

    torch.manual_seed(size)
    for turn in range(60):
        scores = torch.randn(size) * turn / 6  # from all but even to all but sure
        chances = torch.softmax(scores.round() if turn % 3 else scores, -1)  # many are equal where they were rounded
        order = chances.sort(descending=True, stable=True)
        for top_p in (0.3, 0.95, 1.0):
            kept = int(torch.searchsorted(order.values.cumsum(0), torch.tensor(top_p))) + 1
            tokens, sums = _nucleus(chances, top_p)
            assert tokens.tolist() == order.indices[:kept].tolist()
            assert sums.tolist() == order.values.cumsum(0)[:kept].tolist()


def test_a_base_with_recurrent_layers_is_refused_in_words(tmp_path: Path) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    from notewright.models.engine import Engine

    words = tiny_models.tokenizer("llama")
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 512}
    kinds = ["conv", "full_attention"]
    config = AutoConfig.for_model("lfm2", num_hidden_layers=2, layer_types=kinds, pad_token_id=None, **sizes)
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    words.save_pretrained(tmp_path)
    with pytest.raises(Invalid, match="family lfm2"):
        Engine(tmp_path, device="cpu")


@pytest.mark.parametrize("part", ["config", "tokenizer"])
def test_code_that_comes_with_a_base_is_never_run_whatever_is_answered(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models.engine import Engine

    folder = tiny_models.build("llama", tmp_path / "base")
    ran = tmp_path / "ran"
    (folder / "own.py").write_text(
        f"open({str(ran)!r}, 'w')\nfrom transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast\n"
        "class Config(LlamaConfig):\n    model_type = 'own'\n"
        "class Model(LlamaForCausalLM):\n    config_class = Config\n"
        "class Tokenizer(PreTrainedTokenizerFast):\n    pass\n",
        encoding="utf-8",
    )
    changes: dict[str, dict[str, object]] = {
        "config": {"model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}},
        "tokenizer": {"tokenizer_class": "Tokenizer", "auto_map": {"AutoTokenizer": [None, "own.Tokenizer"]}},
    }
    file = folder / ("config.json" if part == "config" else "tokenizer_config.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes[part]}), encoding="utf-8")
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    with pytest.raises(Invalid, match="never run"):
        Engine(folder, device="cpu")
    assert not ran.exists()


def test_a_base_of_an_unknown_family_is_refused_in_words(tmp_path: Path) -> None:
    from notewright.models.engine import Engine

    folder = tiny_models.build("llama", tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "nobodys"}), encoding="utf-8")
    with pytest.raises(Invalid, match="family nobodys, which transformers does not know"):
        Engine(folder, device="cpu")
