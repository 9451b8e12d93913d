"""Rows of a frozen dataset: in file order, and what is wrong with the files in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from notewright.errors import Invalid, NotFound
from notewright.library.rows import load, read_rows, taught_texts
from notewright.records import Dataset


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    (tmp_path / "train.jsonl").write_text('{"a": "one\u2028\u0085two"}\n{"a": "three"}\n', encoding="utf-8")
    (tmp_path / "valid.jsonl").write_text('{"a": 1}\n{"a": \n', encoding="utf-8")
    return Dataset("dataset-1", "sft", str(tmp_path), "2026", {"counts": {"train": 2, "valid": 1, "test": 0}})


def test_rows_come_in_file_order(dataset: Dataset) -> None:
    assert load(dataset, "train") == read_rows(Path(dataset.path) / "train.jsonl") == [{"a": "one\u2028\u0085two"}, {"a": "three"}]


def test_chapters_that_were_not_kept_back_are_no_rows(dataset: Dataset) -> None:
    assert load(dataset, "later") == read_rows(Path(dataset.path) / "later.jsonl") == []


@pytest.mark.parametrize(
    ("split", "error", "told"),
    [
        ("trian", Invalid, "has no split 'trian'"),
        ("test", NotFound, "test.jsonl is gone"),
        ("valid", Invalid, "is not a JSONL file any more"),
    ],
)
def test_what_cannot_be_read_is_told(dataset: Dataset, split: str, error: type[Invalid | NotFound], told: str) -> None:
    with pytest.raises(error) as caught:
        load(dataset, split)
    assert told in caught.value.message
    assert ("notewright dataset sft" in caught.value.hint) == (split != "trian")


def test_what_a_dataset_teaches_is_told_once_and_nothing_of_a_broken_one(tmp_path: Path) -> None:
    rows = [{name: [{"role": "assistant", "content": text}]} for name, text in
            (("completion", "one"), ("chosen", "two"), ("edited", "three"), ("chosen", "one"), ("rejected", "four"))]  # fmt: skip
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert taught_texts(tmp_path) == ["one", "two", "three"]
    assert taught_texts(tmp_path / "gone") == []
    for broken in ("{", '{"completion": []}', '{"completion": "one"}', "[]\n3", "\udcff"):
        (tmp_path / "train.jsonl").write_bytes(broken.encode(errors="surrogateescape"))
        assert taught_texts(tmp_path) == []
