"""Prompt lookup decoding: notes repeat what the prompt says, so the words that followed there are tried several at a time.

Leviathan et al. 2023 (arXiv:2211.17192) check a cheap guess with one pass of the model; the guess here is what followed the last few
tokens in the prompt (Saxena 2023, "prompt lookup decoding"). A token is still drawn from the model's own scores, one place after
the other, and what was guessed behind the first different one is thrown away: the drafts are those that would be written without guessing.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

GUESSED = 7  # tokens tried beyond the next one
TINY = 50_000_000  # parameters
RUNS = (3, 2)  # lengths of the runs of last tokens that are looked up, the longest first


def pays(device: str, parameters: int) -> bool:
    """Whether eight tokens a step take less time than they save; on a processor they do for tiny bases only (lab notes)."""
    return device == "cuda" or parameters <= TINY


class Lookup:
    """What followed each run of tokens in the prompt; of several places the last counts, which is the question, not an example."""

    def __init__(self, prompt: Sequence[int]) -> None:
        self.prompt = list(prompt)
        self.ends = {tuple(prompt[end - run : end]): end for run in RUNS for end in range(run, len(prompt))}

    def guess(self, written: Sequence[int], count: int) -> list[int]:
        """`count` tokens that may follow `written`; where nothing is known, the last token again (a guess as bad as any)."""
        for run in RUNS:
            last = tuple([*self.prompt[-run:], *written[-run:]][-run:])
            end = self.ends.get(last)
            if end is not None:
                found = self.prompt[end : end + count]
                return found + found[-1:] * (count - len(found))
        return list(written[-1:]) * count


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
