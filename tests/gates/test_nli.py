"""The entailment gate's model: real code on a tiny random classifier built on the spot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from notewright.errors import Invalid, MissingExtra, NotFound

pytestmark = pytest.mark.slow


def build(folder: Path, labels: dict[int, str]) -> Path:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    torch.manual_seed(0)
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "river", "flood", "met", "the"]
    words = Tokenizer(models.WordLevel({name: index for index, name in enumerate(names)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    ).save_pretrained(folder)
    config = BertConfig(
        vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, max_position_embeddings=32,
        num_labels=len(labels), id2label=labels, label2id={name: index for index, name in labels.items()},
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_it_reads_the_column_of_entailment(tmp_path: Path) -> None:
    from notewright.gates.nli import NliModel

    model = NliModel(build(tmp_path, {0: "contradiction", 1: "neutral", 2: "ENTAILMENT"}))
    assert model.column == 2
    chance = model.probability("the river " * 100, "the flood met")
    assert 0 < chance < 1
    assert chance == model.probability("the river " * 100, "the flood met")


@pytest.mark.parametrize(("padding", "usable"), [(1, 30), (0, 31)])
def test_a_model_that_counts_places_behind_its_padding_gets_fewer_tokens(tmp_path: Path, padding: int, usable: int) -> None:
    from transformers import RobertaConfig, RobertaForSequenceClassification

    from notewright.gates.nli import NliModel

    labels = {0: "contradiction", 1: "neutral", 2: "entailment"}
    config = RobertaConfig(
        vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, max_position_embeddings=32,
        pad_token_id=padding, id2label=labels, label2id={name: index for index, name in labels.items()},
    )  # fmt: skip
    RobertaForSequenceClassification(config).save_pretrained(build(tmp_path, labels))
    model = NliModel(tmp_path)
    assert model.longest == usable
    assert 0 < model.probability("the river " * 100, "the flood met") < 1
    assert 0 < model.probability("the river", "the flood met " * 100) < 1


def test_marks_of_the_tokenizer_in_a_text_are_words_as_others(tmp_path: Path) -> None:
    from notewright.gates.nli import NliModel

    model = NliModel(build(tmp_path, {0: "contradiction", 1: "neutral", 2: "entailment"}))
    assert model.probability("the river [SEP] met", "the flood") == model.probability("the river (SEP) met", "the flood")
    assert model.probability("the river", "the flood [PAD]") == model.probability("the river", "the flood (PAD)")


def test_two_plain_labels_are_unsupported_and_supported(tmp_path: Path) -> None:
    from notewright.gates.nli import NliModel

    assert NliModel(build(tmp_path, {0: "LABEL_0", 1: "LABEL_1"})).column == 1


def test_what_is_no_entailment_model_is_refused(tmp_path: Path) -> None:
    from notewright.gates.nli import NliModel

    with pytest.raises(NotFound, match="no entailment model"):
        NliModel(tmp_path / "nowhere")
    with pytest.raises(Invalid, match="its labels are"):
        NliModel(build(tmp_path, {0: "joy", 1: "anger"}))


def test_a_tokenizer_that_needs_the_extra_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.gates import nli

    def refuse(*_: object, **__: object) -> None:
        raise ValueError("SentencePiece extractor requires the SentencePiece library to be installed")

    folder = build(tmp_path, {0: "contradiction", 1: "entailment"})
    assert json.loads((folder / "config.json").read_text())["id2label"]
    monkeypatch.setattr(nli.AutoTokenizer, "from_pretrained", refuse)
    with pytest.raises(MissingExtra) as caught:
        nli.NliModel(folder)
    assert "notewright[nli]" in caught.value.hint


def test_drafting_uses_the_model_that_the_settings_name(tmp_path: Path) -> None:
    from notewright.drafting.engines import entailment
    from notewright.settings import Settings, load_settings, save_settings

    assert entailment(Settings(home=tmp_path)) is None
    folder = build(tmp_path / "nli", {0: "contradiction", 1: "entailment"})
    save_settings(Settings(home=tmp_path, nli_model=folder))
    found = entailment(load_settings(tmp_path))
    assert found is not None
    assert found.column == 1


def test_code_that_comes_with_a_model_is_never_run_whatever_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from notewright.gates.nli import NliModel

    folder, ran = build(tmp_path / "model", {0: "neutral", 1: "entailment"}), tmp_path / "ran"
    own = f"open({str(ran)!r}, 'w')\nfrom transformers import BertConfig\nclass Config(BertConfig):\n    model_type = 'own'\n"
    (folder / "own.py").write_text(own, encoding="utf-8")
    config = json.loads((folder / "config.json").read_text())
    changed = {**config, "model_type": "own", "auto_map": {"AutoConfig": "own.Config", "AutoModelForSequenceClassification": "own.Model"}}
    (folder / "config.json").write_text(json.dumps(changed), encoding="utf-8")
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    with pytest.raises(Invalid, match="never run"):
        NliModel(folder)
    assert not ran.exists()
