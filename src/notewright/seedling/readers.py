"""Simulated readers: people with habits and a style, who turn invented highlights into notes; and training rows of their exchanges."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from ..prompts import SYSTEM, render_highlights
from ..records import Prompt, Source
from .chat import Encoder, Tokens
from .corpora import Corpus
from .sources import Habits, make_prompt, make_source
from .styles import DEFAULT_WEIGHTS, DEFAULTS, Style, draw_style, write
from .wording import tell, turned

# What an exchange costs in tokens: per prompt, per highlight, and per word of a highlight (shown once, and mostly written once more).
PER_PROMPT, PER_HIGHLIGHT, PER_WORD = 70, 24, 2.6
UNKNOWN_STYLE_WEIGHT = 0.4
MOST = 25  # highlights of a prompt
SHORT = 300  # tokens of the exchanges that lead up to one of many highlights


@dataclass(frozen=True, slots=True)
class Reader:
    """Who highlights and writes. `with_default_style` gives what the model should write when it has seen no example."""

    habits: Habits
    style: Style

    @staticmethod
    def draw(rng: random.Random, corpus: Corpus, *, held_out: bool = False) -> Reader:
        """A style, and habits that let it show: who picks what is annotated annotates."""
        habits, style = Habits.draw(rng, corpus), draw_style(rng, held_out=held_out)
        if "annotated" in style.select or style.lead == "annotation" or style.annotation:
            habits = replace(habits, annotated=max(habits.annotated, 0.5))
        if style.tags or style.select == "tagged":
            habits = replace(habits, tagged=max(habits.tagged, 0.4))
        if style.callout and style.callout_of == "favourite" or style.select == "favourite":
            habits = replace(habits, favourite=max(habits.favourite, 0.2))
        if style.document_tags:
            habits = replace(habits, doc_tags=max(habits.doc_tags, 1))
        return Reader(habits, style)

    @staticmethod
    def with_default_style(rng: random.Random, corpus: Corpus) -> Reader:
        return Reader(Habits.draw(rng, corpus), rng.choices(DEFAULTS, weights=DEFAULT_WEIGHTS)[0])

    def exchange(
        self, rng: random.Random, corpus: Corpus, *, tokens: int, count: int = 0, source: Source | None = None
    ) -> tuple[Prompt, str]:
        """Highlights (`count`, or as many as a drawn length gives) and the note made of them, together about `tokens` tokens long."""
        if count:
            mean = max(6, round(((tokens - PER_PROMPT) / count - PER_HIGHLIGHT) / PER_WORD))
        else:
            longer = rng.choice((1, 1, 2, 3, 6)) if tokens >= 1200 else rng.choice((1, 1, 2, 3)) if tokens >= 700 else 1
            mean = rng.choice((7, 8, 10, 12, 16) if tokens < 250 else (8, 10, 12, 14, 20, 28)) * longer
            count = max(1, min(MOST, round((tokens - PER_PROMPT) / (PER_HIGHLIGHT + PER_WORD * mean))))
        chapters = rng.randint(2, 3) if count >= 4 and rng.random() < 0.2 else 1
        source = source or make_source(rng, corpus, self.habits)
        prompt = make_prompt(rng, corpus, self.habits, source, count=count, mean_words=mean, chapters=chapters)
        return prompt, write(self.style, prompt)


def _examples(length: int) -> tuple[int, ...]:
    """How many exchanges a row of `length` tokens holds, to draw from."""
    return (1, 2, 2, 3) if length <= 512 else (2, 3, 4, 5) if length <= 1024 else (3, 4, 5, 6, 8) if length <= 2048 else (3, 4, 6, 8, 12)


def note_row(rng: random.Random, encoder: Encoder, corpus: Corpus, length: int, many: float = 0.0) -> Tokens:
    """Exactly `length` tokens: one style's exchanges until the row is full, or single exchanges in default styles.

    `many` is the share of rows (of 2,048 tokens and more) in which one to three short exchanges lead up to one of 10 to 25 highlights.
    Some readers also say in words what they want (rules); some single exchanges are turned from the default style by rules alone, and
    now and then one exchange is turned by an instruction.
    """
    tokens = Tokens()
    single = rng.random() < 0.2
    share = length / rng.choice(_examples(length))
    long_at = rng.randint(0, 2) if not single and length >= 1024 and rng.random() < 0.15 else -1
    many_at = rng.choice((1, 2, 2, 3)) if many and not single and length >= 2048 and rng.random() < many else -1
    reader = Reader.with_default_style(rng, corpus) if single else Reader.draw(rng, corpus)
    rules = tell(rng, reader.style, 12) if not single and rng.random() < 0.25 else ()
    source, number = None, 0
    while len(tokens) < length:
        if single or not number:
            encoder.message(tokens, {"role": "system", "content": SYSTEM})
        if single and number:
            reader = Reader.with_default_style(rng, corpus)
        now, told, instruction = reader, rules, ""
        if single and rng.random() < 0.5:
            style, told = turned(rng, reader.style)
            now = replace(reader, style=style)
        elif rng.random() < 0.06:
            style, words = turned(rng, reader.style, 1)
            if words:
                now, instruction = replace(reader, style=style), words[0]
        count = 0
        if number == many_at:
            count = rng.randint(10, MOST)
            room = min(0.75 * (length - len(tokens)), count * PER_HIGHLIGHT * rng.uniform(2, 4.5))
        elif many_at >= 0:
            room = SHORT * (0.6 + 0.8 * rng.random())
        else:
            room = length * 0.55 if number == long_at else share * (0.6 + 0.8 * rng.random())
        prompt, note = now.exchange(rng, corpus, tokens=int(room), count=count, source=source)
        prompt = replace(prompt, rules=told, instruction=instruction)
        known = single or number or len(rules) > 5
        encoder.message(tokens, {"role": "user", "content": render_highlights(prompt)})
        encoder.message(tokens, {"role": "assistant", "content": note}, 1.0 if known else UNKNOWN_STYLE_WEIGHT)
        source = prompt.source if rng.random() < 0.3 else None
        number += 1
    tokens.ids, tokens.weights = tokens.ids[:length], tokens.weights[:length]
    return tokens
