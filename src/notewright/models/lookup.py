"""Prompt lookup decoding: notes repeat what the prompt says and what was written before, so the words that followed there are tried
several at a time.

Leviathan et al. 2023 (arXiv:2211.17192) check a cheap guess with one pass of the model; the guess here is what followed the last few
tokens in the prompt (Saxena 2023, "prompt lookup decoding"), in passages that the model was taught, or in earlier drafts for the same
prompt (He et al. 2023, arXiv:2311.08252, "REST", look texts up in a store). A token is still drawn from the model's own scores, one place
after the other, and what was guessed behind the first different one is thrown away: the drafts are those that would be written without
guessing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import torch

GUESSED = 7  # tokens tried beyond the next one
TINY = 50_000_000  # parameters
RUNS = (3, 2)  # lengths of the runs of last tokens that are looked up in the prompt, the longest first
SURE = (4, 3)  # in earlier drafts for the same prompt, before the prompt itself
LIKE = (3, 2, 1)  # in passages that were taught, after it
LONGEST_RUN = max(*RUNS, *SURE, *LIKE)
TAUGHT = 20_000  # tokens of passages that are looked at: of more, every second, third, ... passage
PROMPTS = 256  # whose last drafts are remembered


def pays(device: str, parameters: int) -> bool:
    """Whether eight tokens a step take less time than they save; on a processor they do for tiny bases only (lab notes)."""
    return device == "cuda" or parameters <= TINY


class Known:
    """Token ids of texts, and what followed each run of them; of several places the last one counts."""

    def __init__(self, texts: Iterable[Sequence[int]], runs: Sequence[int]) -> None:
        self.runs = runs
        self._ends: dict[tuple[int, ...], tuple[Sequence[int], int]] = {}
        for text in texts:
            for run in runs:
                self._ends.update((tuple(text[end - run : end]), (text, end)) for end in range(run, len(text)))

    def after(self, last: Sequence[int], count: int) -> Sequence[int]:
        """Up to `count` tokens that followed the longest run that `last` ends with; none where there was no such run."""
        for run in self.runs:
            if found := self._ends.get(tuple(last[-run:])):
                text, end = found
                return text[end : end + count]
        return ()


class Lookup:
    """Guesses from the prompt; of several places in it the last counts, which is the question, not an example."""

    def __init__(self, prompt: Sequence[int], *, taught: Known | None = None, drafts: Iterable[Sequence[int]] = ()) -> None:
        """`taught` are passages of the same style, `drafts` earlier ones for this prompt."""
        self.end = list(prompt[-LONGEST_RUN:])
        self.known = [Known([[*self.end, *draft] for draft in drafts], SURE), Known([prompt], RUNS), *([taught] if taught else [])]

    def guess(self, written: Sequence[int], count: int) -> list[int]:
        """`count` tokens that may follow `written`, of which the last few suffice; where nothing is known, the last token again (a guess
        as bad as any)."""
        last = [*self.end, *written[-LONGEST_RUN:]][-LONGEST_RUN:]
        found = next((list(found) for known in self.known if (found := known.after(last, count))), list(written[-1:]))
        return (found + found[-1:] * (count - len(found)))[:count]


class Memory:
    """What was taught, and the last drafts for each of the prompts that were answered last."""

    def __init__(self, taught: Callable[[], Iterable[Sequence[int]]] = tuple) -> None:
        """`taught` gives the token ids of passages, each with what stands before it; asked for once, when something is first written."""
        self.teach(taught)
        self._drafts: dict[tuple[int, ...], list[list[int]]] = {}

    def teach(self, taught: Callable[[], Iterable[Sequence[int]]]) -> None:
        """Other passages from now on."""
        self._texts = taught
        self._taught: Known | None = None

    @property
    def taught(self) -> Known:
        if self._taught is None:
            texts = list(self._texts())
            self._taught = Known(texts[:: max(1, math.ceil(sum(map(len, texts)) / TAUGHT))], LIKE)
        return self._taught

    def lookup(self, prompt: Sequence[int], *, drafts: bool) -> Lookup:
        return Lookup(prompt, taught=self.taught, drafts=self._drafts.get(tuple(prompt), ()) if drafts else ())

    def keep(self, prompt: Sequence[int], drafts: list[list[int]]) -> None:
        self._drafts.pop(tuple(prompt), None)
        self._drafts[tuple(prompt)] = drafts
        if len(self._drafts) > PROMPTS:
            del self._drafts[next(iter(self._drafts))]


class Places:
    """Where each row's tokens lie in a key-value cache that also holds refused guesses: attention mask and positions.

    All rows grow by the same number of places at each step, whatever was refused, so that a row's arithmetic does not depend on
    its neighbours.
    """

    def __init__(self, prompt: int, rows: int, width: int) -> None:
        """`prompt` tokens, seen by all, come before what `rows` write, `width` tokens a step."""
        self.prompt, self.length, self.width = prompt, [prompt] * rows, width
        self.seen = torch.ones(rows, 0, dtype=torch.bool)

    def ask(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(which places after the prompt exist (rows, places), position ids) for the next `width` tokens of every row."""
        self.seen = torch.cat([self.seen, torch.ones(len(self.length), self.width, dtype=torch.bool)], dim=1)
        return self.seen, torch.tensor(self.length)[:, None] + torch.arange(self.width)

    def keep(self, row: int, count: int) -> None:
        """The first `count` of the row's last tokens stand; the others are hidden."""
        self.length[row] += count
        self.seen[row, self.seen.shape[1] - self.width + count :] = False

    def select(self, rows: Sequence[int]) -> None:
        self.length = [self.length[row] for row in rows]
        self.seen = self.seen[list(rows)]
