"""Ids of notes and passages that outlive edits: a passage is the one it was while its words or its place say so.

A new id is a hash of path and heading trail, so the same note read by a fresh library gets the same ids. A note that is read again keeps
the ids of the passages that are still there, and a renamed note keeps its own.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ..records import Passage
from ..text import edit_distance, plain_newlines

_ALIKE = 0.5  # of its words may change in a passage that moved or whose headings were renamed
_SAME_NOTE = 0.5  # share of its passages that a renamed and edited note must have kept word for word


def note_id(path: str, taken: Iterable[str] = ()) -> str:
    """The id of a new note at vault-relative `path`; another where a renamed note has kept that id."""
    return _free("note-", path, set(taken))


def passage_id(path: str, headings: Sequence[str], number: int) -> str:
    """The id of the passage that is number `number` under its heading trail."""
    return _hashed("p-", "\x00".join((path, *headings, str(number))))


def part_id(kind: str, headings: Sequence[str], words: bytes) -> str:
    """The id of a section or block: the same wherever it stands in its note. A section goes by its heading, a block by its words."""
    return _hashed("b-", "\x00".join((kind, *headings)) + ("" if kind == "section" else "\x00" + words.hex()))


def carry_ids(before: Sequence[Passage], after: Sequence[Passage], *, taken: Iterable[str] = ()) -> tuple[Passage, ...]:
    """`after`, the passages of a note as read now, with the ids they had in `before`.

    In turn: the same words under the same headings, the same words, the same place (own id) under the same headings, and what is most
    alike. Whatever is left is new and gets an id that is not `taken` by a passage
    of `before` or of another note.
    """
    ids: dict[int, str] = {}
    left = list(before)

    def keep(index: int, old: Passage) -> None:
        ids[index] = old.id
        left.remove(old)

    for same in (lambda old, new: old.text == new.text and old.headings == new.headings, lambda old, new: _body(old) == _body(new)):
        for index, new in enumerate(after):
            if index not in ids and (old := next((item for item in left if same(item, new)), None)):
                keep(index, old)
    for index, new in enumerate(after):
        if index not in ids and (old := next((item for item in left if item.id == new.id), None)) and old.headings == new.headings:
            keep(index, old)
    rest = [(edit_distance(_body(old), _body(new)), index, old) for index, new in enumerate(after) if index not in ids for old in left]
    for distance, index, old in sorted(rest, key=lambda item: (item[0], item[1])):
        if distance < _ALIKE and index not in ids and old in left:
            keep(index, old)
    used = {*taken, *(item.id for item in before)}
    carried = []
    for index, new in enumerate(after):
        identity = ids.get(index) or (new.id if new.id not in used else _free("p-", new.id, used))
        used.add(identity)
        carried.append(new if identity == new.id else replace(new, id=identity))
    return tuple(carried)


def _body(passage: Passage) -> str:
    """Without the heading that it opens with."""
    return passage.text.partition("\n")[2] if passage.text.startswith("#") else passage.text


def renamed(gone: Mapping[str, tuple[str, Sequence[str]]], new: Mapping[str, tuple[str, Sequence[str]]]) -> dict[str, str]:
    """Which of the `new` paths is which of the `gone` ones. Both map paths to the note's content hash and its passages' texts.

    Equal bytes decide where they are found once on either side; else a note that has kept half of its passages, and more than any other.
    Line ends, which a sync may change, are no difference.
    """
    gone, new = (
        {path: (digest, [plain_newlines(text) for text in texts]) for path, (digest, texts) in side.items()} for side in (gone, new)
    )
    found: dict[str, str] = {}
    hashes = Counter(digest for digest, _ in gone.values()), Counter(digest for digest, _ in new.values())
    by_hash = {digest: path for path, (digest, texts) in gone.items() if hashes[0][digest] == 1 and texts}
    for path, (digest, _) in new.items():
        if digest in by_hash and hashes[1][digest] == 1:
            found[path] = by_hash[digest]
    free = gone.keys() - found.values()
    sizes = {old: sum(map(len, gone[old][1])) for old in free}
    holders: dict[str, list[str]] = defaultdict(list)  # a folder may have thousands of notes: only those with a text in common are compared
    for old in free:
        for text in filter(None, gone[old][1]):
            holders[text].append(old)
    for path, (_, texts) in new.items():
        if path in found:
            continue
        letters = Counter[str]()
        for text in set(texts):
            for old in holders.get(text, ()):
                letters[old] += len(text)
        kept = {old: count / sizes[old] for old, count in letters.items() if old in free}
        best = max(kept, key=lambda old: kept[old], default="")
        if best and kept[best] >= _SAME_NOTE and sum(share == kept[best] for share in kept.values()) == 1:
            found[path] = best
            free.remove(best)
    return found


def _free(prefix: str, key: str, taken: set[str]) -> str:
    number, identity = 0, _hashed(prefix, key)
    while identity in taken:
        number += 1
        identity = _hashed(prefix, f"{key}\x00again {number}")
    return identity


def _hashed(prefix: str, key: str) -> str:
    return prefix + hashlib.blake2b(key.encode(), digest_size=8).hexdigest()
