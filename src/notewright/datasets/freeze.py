"""Writing and checking a frozen dataset folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Invalid
from ..files import put, whole_folder
from ..library.database import now
from ..library.rows import Row
from ..library.splits import PARTS, SPLITS
from ..records import Dataset

if TYPE_CHECKING:
    from ..library import Library

PROBE = "probe"  # no split: by these rows nothing is learnt, measured or chosen (`probe`)


def freeze(
    library: Library, kind: str, rows: Mapping[str, Sequence[Row]], facts: Mapping[str, object], *, probes: Sequence[Row] = ()
) -> Dataset:
    """Write the rows of each split, and the `probes` where there are any, then the manifest with `facts`, and register the folder; all of
    it or nothing.

    If the newest dataset of this kind has the same content and facts, it is handed back instead of a copy. An older one is not: the newest
    is what is trained on. Other probes alone make no other dataset: what is imported would make every one a new one.
    """
    parts = {split: rows.get(split, ()) for split in PARTS if split in SPLITS or rows.get(split)}
    texts = {split: _lines(part) for split, part in parts.items()}
    counts = {split: len(part) for split, part in parts.items()}
    if probes:
        texts[PROBE] = _lines(probes)
    hashes = {f"{split}.jsonl": hashlib.sha256(text.encode()).hexdigest() for split, text in texts.items()}
    manifest: dict[str, object] = json.loads(json.dumps({"kind": kind, "counts": counts, **facts, "sha256": hashes}))
    for known in library.datasets.all(kind)[-1:]:
        before = {name: value for name, value in known.manifest.items() if name not in ("id", "created_at")}
        same, probed = _but_probes(before) == _but_probes(manifest), f"{PROBE}.jsonl" in str(before.get("sha256"))
        if same and probed >= bool(probes) and not verify(known, strict=False):
            return known
    return _write(library, kind, texts, manifest)


def _lines(rows: Sequence[Row]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows)


def _but_probes(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {**manifest, "sha256": {name: value for name, value in manifest.get("sha256", {}).items() if name != f"{PROBE}.jsonl"}}


def _write(library: Library, kind: str, texts: Mapping[str, str], manifest: Mapping[str, object]) -> Dataset:
    dataset_id = library.datasets.new_id()
    folder = library.home / "datasets" / dataset_id
    table = {"id": dataset_id, "created_at": now(), **manifest}
    with whole_folder(folder) as part:
        for split, text in texts.items():
            put(part / f"{split}.jsonl", text)
        put(part / "manifest.json", json.dumps(table, ensure_ascii=False, indent=2) + "\n")
    return library.datasets.add(Dataset(dataset_id, kind, str(folder), str(table["created_at"]), table))


def verify(dataset: Dataset, *, strict: bool = True) -> tuple[str, ...]:
    """Compare every file with the manifest's hashes. Problems raise Invalid, or are returned when not `strict`."""
    problems = []
    hashes = dataset.manifest["sha256"]
    assert isinstance(hashes, dict)
    for name, expected in hashes.items():
        path = Path(dataset.path) / name
        if not path.is_file():
            problems.append(f"{name} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            problems.append(f"{name} was changed after it was frozen")
    if problems and strict:
        hint = f"Build it again with: notewright dataset {dataset.kind}"
        raise Invalid(f"{dataset.id} is not as it was frozen: {'; '.join(problems)}", hint, problems)
    return tuple(problems)
