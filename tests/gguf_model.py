"""A Llama-shaped base of ours as one GGUF file, which llama.cpp reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_gguf(folder: Path, path: Path) -> Path:
    """The base in `folder` (safetensors, a byte-level BPE tokenizer) in float32."""
    import gguf
    import numpy
    from safetensors.torch import load_file

    config = json.loads((folder / "config.json").read_text())
    assert config["model_type"] == "llama"
    heads, keys = config["num_attention_heads"], config["num_key_value_heads"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("notewright-test")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(keys)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(config.get("head_dim") or config["hidden_size"] // heads)
    writer.add_rope_freq_base((config.get("rope_parameters") or config).get("rope_theta", 10000.0))
    writer.add_vocab_size(config["vocab_size"])
    _add_tokenizer(writer, folder, config)
    for name, tensor in load_file(folder / "model.safetensors").items():
        values = tensor.float().numpy()
        if ".q_proj." in name or ".k_proj." in name:  # llama.cpp turns pairs of neighbours, transformers the two halves of a head
            count = heads if ".q_proj." in name else keys
            values = values.reshape(count, 2, values.shape[0] // count // 2, values.shape[1]).swapaxes(1, 2).reshape(values.shape)
        writer.add_tensor(_renamed(name), numpy.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tokenizer(writer: Any, folder: Path, config: dict[str, Any]) -> None:
    import gguf

    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    names = {number: token for token, number in tokenizer["model"]["vocab"].items()}
    added = {item["id"]: item for item in tokenizer["added_tokens"]}
    names |= {number: item["content"] for number, item in added.items()}
    count = config["vocab_size"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")  # digits one by one, then GPT-2's rules
    writer.add_token_list([names.get(number, f"[unused{number}]") for number in range(count)])
    kinds = gguf.TokenType

    def kind(number: int) -> gguf.TokenType:
        if number in added:
            return kinds.CONTROL if added[number]["special"] else kinds.USER_DEFINED
        return kinds.NORMAL if number in names else kinds.UNUSED

    writer.add_token_types([kind(number) for number in range(count)])
    writer.add_token_merges([item if isinstance(item, str) else " ".join(item) for item in tokenizer["model"]["merges"]])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_add_bos_token(False)
    template = folder / "chat_template.jinja"
    if template.exists():
        writer.add_chat_template(template.read_text())


def _renamed(name: str) -> str:
    fixed = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}
    if name in fixed:
        return fixed[name]
    parts = {
        "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
    }  # fmt: skip
    layer, _, part = name.removeprefix("model.layers.").partition(".")
    return f"blk.{layer}.{parts[part.removesuffix('.weight')]}.weight"
