"""Tiny random models of the shapes we support, built on the spot: Llama, Mistral, Qwen 2 and GPT-J with tokenizers of their kind."""

from __future__ import annotations

from pathlib import Path

import small_world

MISTRAL_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' ' + message['content'] + eos_token }}"
    "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"
)
LLAMA_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"
)
QWEN_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
SPECIALS: dict[str, tuple[str, str | None, list[str], str | None]] = {
    # end, begin, other special tokens, template
    "llama": ("<|eot_id|>", "<|begin_of_text|>", ["<|start_header_id|>", "<|end_header_id|>"], LLAMA_TEMPLATE),
    "mistral": ("</s>", "<s>", ["[INST]", "[/INST]"], MISTRAL_TEMPLATE),
    "qwen2": ("<|endoftext|>", None, ["<|im_start|>", "<|im_end|>"], QWEN_TEMPLATE),
    "gptj": ("<|endoftext|>", None, [], None),
}
SHAPES = tuple(SPECIALS)
TEXT = [
    "The river carries silt to the plain.", "A tide table is a promise.", "**Bread** rises twice.", "Cloth was money, and money was cloth.",
    "Title: The Slow River\nAuthor: A. Nonymous\nKind: book\n\n1. The river carries silt.\n   p. 12 · #water\n2. Mud is memory.",
    "## Rivers\n\n- **Silt**: carried to the plain.\n- Mud is memory (p. 12).\n", "### Notes\n\n> [!quote] A tide table is a promise.\n",
    "Write the note for these highlights in the reader's own style. Use only what the highlights say.",
]  # fmt: skip
# The words of the small world as tokens of their own: its prompts are three times as short, and what reads them as fast.
WORLD = [
    small_world.section("rivers", 0), small_world.section("looms", 1),
    "Title: A Book of Rivers\nAuthor: Ada Reader\nKind: article\n\nChapter: ",
    "1. The third fact about rivers in beginnings concerns 5 careful observers.\n   p. 2 · #rivers\n   Annotation: Mark this\n",
    "2. The fourth fact about looms in troubles concerns 6 careful observers.\n   p. 101\n",
]  # fmt: skip


def tokenizer(shape: str):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    end, begin, others, template = SPECIALS[shape]
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    special = [end, *([begin] if begin else []), *others]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        (TEXT + WORLD) * 4, trainers.BpeTrainer(vocab_size=512, special_tokens=special, initial_alphabet=alphabet, show_progress=False)
    )
    made = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token=end, bos_token=begin, additional_special_tokens=others)
    made.chat_template = template
    return made


def build(shape: str, folder: Path, *, seed: int = 0, width: int = 64, layers: int = 2, vocabulary: int = 512, context: int = 1024) -> Path:
    """Save a random model of one shape into `folder`; returns it."""
    import torch
    from transformers import (
        GPTJConfig,
        GPTJForCausalLM,
        LlamaConfig,
        LlamaForCausalLM,
        MistralConfig,
        MistralForCausalLM,
        Qwen2Config,
        Qwen2ForCausalLM,
    )

    torch.manual_seed(seed)
    words = tokenizer(shape)
    ids = {"eos_token_id": words.eos_token_id, "bos_token_id": words.bos_token_id, "pad_token_id": None}
    sizes = {
        "vocab_size": vocabulary, "hidden_size": width, "intermediate_size": 2 * width, "num_hidden_layers": layers,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": context,
    }  # fmt: skip
    match shape:
        case "llama":
            model = LlamaForCausalLM(LlamaConfig(**sizes, **ids))
        case "mistral":
            model = MistralForCausalLM(MistralConfig(**sizes, **ids, sliding_window=256))
        case "qwen2":
            model = Qwen2ForCausalLM(Qwen2Config(**sizes, **ids, tie_word_embeddings=True))
        case "gptj":
            model = GPTJForCausalLM(
                GPTJConfig(vocab_size=vocabulary, n_embd=width, n_layer=layers, n_head=4, rotary_dim=8, n_positions=context, **ids)
            )
        case _:
            raise ValueError(shape)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def sft_rows(count: int = 16) -> list[dict]:
    """Prompt and completion rows as the datasets stage writes them, of different lengths."""
    rows = []
    for i in range(count):
        lines = [f"{k}. {TEXT[(i + k) % 4]}" for k in range(1, 2 + i % 4)]
        system = {"role": "system", "content": "Write the note for these highlights."}
        prompt = [system, {"role": "user", "content": f"Title: Book {i % 3}\n\n" + "\n".join(lines)}]
        passage = f"## Book {i % 3}\n\n" + "\n".join(f"- **{TEXT[(i + k) % 4].split()[1]}**" for k in range(1, 2 + i % 4)) + "\n"
        rows.append(
            {"prompt": prompt, "completion": [{"role": "assistant", "content": passage}], "source_id": f"s{i % 3}", "pair_id": f"p{i}"}
        )
    return rows


def preference_rows(count: int = 8) -> list[dict]:
    """Preference rows: the passage in the person's style over a flat one."""
    return [
        {
            "prompt": row["prompt"],
            "chosen": row["completion"],
            "rejected": [
                {"role": "assistant", "content": "Here is the note: " + row["completion"][0]["content"].replace("*", "").replace("## ", "")}
            ],
        }
        for row in sft_rows(count)
    ]
