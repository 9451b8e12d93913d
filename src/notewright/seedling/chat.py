"""Messages to token ids: the chat template, and the same rendering by hand (fast, with a mask of what the assistant says)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tokenizers import Tokenizer

from ..prompts import Message
from .tokenizer import END, ROLES

TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>\\n' }}"
    "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + '<|end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|end|>' }}{% endif %}"
    "{{ '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)


@dataclass(slots=True)
class Tokens:
    """Ids with the training weight of each as a target (0 = context only)."""

    ids: list[int] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)

    def add(self, ids: Sequence[int], weight: float = 0.0) -> None:
        self.ids += ids
        self.weights += [weight] * len(ids)

    def __len__(self) -> int:
        return len(self.ids)


class Encoder:
    """Renders messages as the chat template does. `raw` ids are for token pools, which have no text."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.roles = {role: self.text(f"<|{role}|>") for role in ROLES}
        self.end = self.text(END)
        self.newline = tokenizer.encode("\n").ids

    def text(self, text: str) -> list[int]:
        return self.tokenizer.encode(text).ids

    def raw(self, tokens: Tokens, role: str, ids: Sequence[int], weight: float = 0.0) -> None:
        """One turn whose content is given as ids."""
        tokens.add(self.roles[role] + self.newline)
        tokens.add([*ids, *self.end], weight if role == "assistant" else 0.0)
        tokens.add(self.newline)

    def message(self, tokens: Tokens, message: Message, weight: float = 1.0) -> None:
        """One turn. The newline after the role is encoded with the content, as one string, as the template does."""
        role = message["role"]
        ids = self.text("\n" + message["content"])
        assert ids[:1] == self.newline, message["content"][:20]
        self.raw(tokens, role, ids[1:], weight)

    def messages(self, messages: Sequence[Message], weight: float = 1.0) -> Tokens:
        tokens = Tokens()
        for message in messages:
            self.message(tokens, message, weight)
        return tokens
