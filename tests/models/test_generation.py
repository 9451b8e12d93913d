"""Sampling for training: each draft depends on its prompt and seed only, and the model is afterwards what it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tiny_models

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`(is_)?gradient_checkpointing` is deprecated:FutureWarning"),
]
PROMPTS = ([5, 6, 7, 8, 9, 10, 11, 12, 13], [20, 21], [30, 31, 32, 33, 34])


@pytest.fixture(scope="module", params=tiny_models.SHAPES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from notewright.models import engine

    folder = tmp_path_factory.mktemp("base") / request.param
    return engine.load_base(tiny_models.build(request.param, folder))[0].eval()


def drawn(model: Any, prompts: Any, seeds: Any, *, stops: set[int], **options: Any) -> list[list[int]]:
    from notewright.models.generation import sample

    return sample(model, prompts, seeds=list(seeds), stops=stops, pad=0, max_new_tokens=options.pop("most", 12), **options)


def test_a_draft_depends_on_its_prompt_and_seed_only(model: Any) -> None:
    """Written alone, beside other prompts, and in a batch that shrinks when others end."""
    stops = set(range(40))  # a tenth of the vocabulary: rows end at different times
    together = drawn(model, PROMPTS, range(12), stops=stops)
    alone = [
        draft for place, prompt in enumerate(PROMPTS) for draft in drawn(model, [prompt], range(4 * place, 4 * place + 4), stops=stops)
    ]
    assert together == alone
    lengths = {len(draft) for draft in together}
    assert len(lengths) > 3
    for draft in together:
        assert not set(draft[:-1]) & stops
        assert draft[-1] in stops or len(draft) == 12


def test_greedy_drafts_are_those_of_the_library_generate(model: Any) -> None:
    import torch

    for prompt in PROMPTS:
        ids = torch.tensor([prompt])
        expected = model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=8, do_sample=False, eos_token_id=None, pad_token_id=0
        )
        assert drawn(model, [prompt], [0], stops=set(), most=8, temperature=0.0) == expected[:, len(prompt) :].tolist()


@pytest.mark.parametrize(
    ("lengths", "parts"),
    [
        ([600, 2000, 700], [[0], [2], [1]]),
        ([300, 500, 400, 500], [[0, 2], [1, 3]]),
        ([10, 10, 10], [[0, 1, 2]]),
        ([600, 424], [[1], [0]]),
        ([], []),
    ],
)
def test_rows_are_read_in_passes_of_about_the_same_length(lengths: list[int], parts: list[list[int]]) -> None:
    from notewright.models.generation import passes

    assert passes(lengths, 1024) == parts


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_prompts_read_apart_lead_to_the_same_drafts(model: Any, temperature: float, monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.models import generation

    prompts = [*PROMPTS, list(range(40, 47))]
    options: dict[str, Any] = {"stops": set(range(8)), "most": 40, "temperature": temperature}
    together = drawn(model, prompts, range(8), **options)
    read: list[tuple[int, ...]] = []
    inner = model.forward

    def forward(*args: Any, **given: Any) -> Any:
        read.append(tuple(given["input_ids"].shape))
        return inner(*args, **given)

    monkeypatch.setattr(model, "forward", forward)
    monkeypatch.setattr(generation, "IN_A_PASS", 14)
    assert drawn(model, prompts, range(8), **options) == together
    apart = model.config.model_type != "mistral"  # a sliding window forgets places
    assert read[:3] == ([(2, 5), (1, 7), (1, 9)] if apart else [(4, 9), *read[1:3]])


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_guesses_change_no_draft(model: Any, temperature: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right ones save steps, wrong ones leave no trace."""
    from notewright.models import generation

    monkeypatch.setattr(generation, "SPARE", 6)  # what wrong guesses left in the cache is taken out several times
    options: dict[str, Any] = {"stops": set(range(20)), "most": 30, "temperature": temperature}
    with monkeypatch.context() as alone:
        alone.setattr(generation, "GUESSED", 0)
        plain = drawn(model, PROMPTS, range(6), **options)
    assert drawn(model, PROMPTS, range(6), **options) == plain
    turns = iter(range(1000))

    def oracle(_lookups: Any, _written: Any, rows: Any, counts: Any, tried: int) -> Any:
        """What will be written; every third time its third token is another."""
        wrong = next(turns) % 3 == 0
        known = [
            (plain[row][count : count + tried] + [1] * tried)[:tried] for row, count in zip(rows.tolist(), counts.tolist(), strict=True)
        ]
        return generation.torch.tensor([[*row[:2], row[2] + wrong, *row[3:]] for row in known])

    steps: list[int] = []
    whole = type(model).forward
    monkeypatch.setattr(type(model), "forward", lambda *args, **more: steps.append(0) or whole(*args, **more))
    monkeypatch.setattr(generation, "_guess", oracle)
    assert drawn(model, PROMPTS, range(6), **options) == plain
    slides = model.config.model_type == "mistral"  # a sliding window forgets places, so nothing is guessed there
    assert len(steps) == max(map(len, plain)) if slides else len(steps) < max(map(len, plain)) / 2


def test_what_was_written_before_is_written_in_fewer_steps(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Greedy drafts are remembered; drawn ones only use what was taught."""
    from notewright.models.lookup import Memory

    steps: list[int] = []
    whole = type(model).forward
    monkeypatch.setattr(type(model), "forward", lambda *args, **more: steps.append(0) or whole(*args, **more))

    def counted(memory: Any, temperature: float) -> tuple[list[list[int]], int]:
        steps.clear()
        return drawn(model, PROMPTS, range(3), stops=set(), most=40, temperature=temperature, memory=memory), len(steps)

    slides = model.config.model_type == "mistral"  # nothing is guessed there
    memory = Memory()
    greedy, before = counted(memory, 0.0)
    again, after = counted(memory, 0.0)
    assert again == greedy
    assert after == before if slides or before < 10 else after < before / 2  # what goes in circles is guessed anyhow
    chance, before = counted(None, 1.0)
    assert counted(memory, 1.0) == (chance, before)
    assert counted(memory, 1.0) == (chance, before)
    taught = [[*prompt[-4:], *draft] for prompt, draft in zip(PROMPTS, chance, strict=True)]
    again, after = counted(Memory(lambda: taught), 1.0)
    assert again == chance
    assert after == before if slides else after < before / 2


def test_each_of_a_prompts_drafts_may_have_its_own_temperature(model: Any) -> None:
    from notewright.models.lookup import Memory

    options: dict[str, Any] = {"stops": set(range(20)), "most": 30}
    memory = Memory()
    mixed = drawn(model, PROMPTS, [0, 1, 2, 3, 4, 5], temperature=(0.0, 1.5), memory=memory, **options)
    assert mixed[::2] == drawn(model, PROMPTS, [0, 2, 4], temperature=0.0, **options)
    assert mixed[1::2] == drawn(model, PROMPTS, [1, 3, 5], temperature=1.5, **options)
    assert mixed[::2] != mixed[1::2]
    assert drawn(model, PROMPTS, [0, 1, 2, 3, 4, 5], temperature=(0.0, 1.5), memory=memory, **options) == mixed
    slides = model.config.model_type == "mistral"  # nothing is guessed there
    assert list(memory._drafts.values()) == ([] if slides else [[draft] for draft in mixed[::2]])


def test_guesses_do_not_reach_behind_what_a_base_can_see(model: Any) -> None:
    most = model.config.max_position_embeddings - len(PROMPTS[0])
    assert [len(draft) for draft in drawn(model, PROMPTS[:1], [0], stops=set(), most=most)] == [most]


def test_tokens_come_as_often_as_they_are_likely(model: Any) -> None:
    import torch

    with torch.no_grad():
        chances = torch.softmax(model(input_ids=torch.tensor([PROMPTS[0]])).logits[0, -1] / 0.5, -1)
    drafts = drawn(model, [PROMPTS[0]], range(4000), stops=set(), most=1, temperature=0.5)
    counts = torch.bincount(torch.tensor([draft[0] for draft in drafts]), minlength=len(chances)) / len(drafts)
    assert float((counts - chances).abs().max()) < 0.02
    assert float((counts - chances).abs().sum()) < 2 * float(len(chances) / 4000) ** 0.5


def test_an_adapter_is_merged_for_a_while_and_the_weights_come_back_to_the_bit(tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model

    from notewright.models import engine
    from notewright.models.merging import merged

    plain, _ = engine.load_base(tiny_models.build("llama", tmp_path / "base"))
    before = {name: weight.clone() for name, weight in plain.state_dict().items()}
    policy = get_peft_model(plain, LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)).eval()
    ids = torch.tensor([PROMPTS[0]])
    with torch.no_grad():
        adapted = policy(input_ids=ids).logits
        with merged(policy):
            torch.testing.assert_close(policy.get_base_model()(input_ids=ids).logits, adapted, atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(policy(input_ids=ids).logits, adapted, atol=0, rtol=0)
    after = policy.get_base_model().state_dict()
    assert all(torch.equal(after[name.replace(".weight", ".base_layer.weight") if name not in after else name], weight)
               for name, weight in before.items())  # fmt: skip
    assert [name for name, weight in policy.named_parameters() if weight.requires_grad]
