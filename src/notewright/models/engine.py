"""The in-process engine: a base loaded once, adapters switched by folder, n candidates from one prefill.

The prompt is read once, in a batch of one; all candidates look at the same keys and values (see `sharing`; other families get copies). They
are written side by side, step after step, each with its own random generator. A step tries several tokens that `lookup` guesses. A draft
depends on (prompt, seed, sampling) only, not on its neighbours: matrix kernels round differently for few rows, so a step always computes
`LEAST` tokens or more. Candidates that have ended leave the batch.
"""

from __future__ import annotations

import gc
import itertools
import re
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from peft import PeftModel
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.cache_utils import Cache
from transformers.utils import logging

from .. import __version__
from ..errors import Invalid, NotFound
from ..library.rows import taught_texts
from ..prompts import LEAST_NOTE, Message
from ..text import without_thoughts
from . import bases, chat, quantization, sharing, thin
from .adapters import WEIGHTS, require_whole
from .cache import can_share, remembers_all, roomy_cache
from .circles import Circles, due
from .generation import sample
from .letters import Letters, letters_of
from .lookup import GUESSED, TINY, Lookup, Memory, Places, pays
from .merging import MERGED, add_into_weights
from .precision import pick_dtype
from .room import USUAL

LEAST = 16  # tokens a step; with fewer, some CPU kernels round differently
AT_ONCE = 16  # drafts of different prompts that are written side by side by a small base
FEW_AT_ONCE = 4  # by a large one: as many as `bases.memory_needed` counts
KEEPS_PLACE = 25  # highlights; with more, a base of a few million parameters loses its place (docs/lab-notes.md)
OBEDIENT = 1_000_000_000  # parameters; from here on a model mostly does what it is told in words
CARD = 0.95  # share of a card's memory that a base may take; one that needs more is loaded in 4 bits
HELD = 4  # adapters that stay loaded: a server goes on for weeks, and each improve brings another one
LIKELIEST = 64  # tokens that are looked at first when one is drawn
OTHER_FAMILY = "Choose a base of another family: notewright bases"
TELL_EVERY = 0.05  # seconds between two looks at the texts being written; decoding them at every token would slow small bases


@dataclass(frozen=True, slots=True)
class Generated:
    """One candidate. `finished` is false when it ran into `max_new_tokens` or went in a circle; `greedy` ones do not depend on `seed`."""

    text: str
    tokens: int
    finished: bool
    seed: int
    greedy: bool = False


def pick_device(device: str = "auto") -> str:
    """`auto` is CUDA, then Metal, then the CPU; a named device that is absent raises Invalid."""
    cuda, metal = torch.cuda.is_available(), torch.backends.mps.is_available()
    if device == "auto":
        return "cuda" if cuda else "mps" if metal else "cpu"
    if (device == "cuda" and not cuda) or (device == "mps" and not metal):
        raise Invalid(f"This machine has no {device} device that torch can use.", "Use device = auto or cpu.")
    return device


def free_on_device(device: str) -> int:
    """Free bytes where a model would lie: the card's memory for CUDA, else main memory."""
    return int(torch.cuda.mem_get_info()[0]) if device == "cuda" else bases.free_memory()


def load_base(folder: Path, *, device: str = "cpu", dtype: torch.dtype | None = None, **options: Any) -> tuple[Any, Any]:
    """(model, prepared tokenizer) from a folder: safetensors only, no remote code."""
    config = bases.read_config(folder)
    dtype = dtype or pick_dtype(bases.parameter_count(config, folder), device, str(config.get("model_type")))
    if not can_share(read_family(folder)):
        raise Invalid(
            f"notewright cannot write with bases of the family {config.get('model_type')}: some of their layers keep a state that several "
            "drafts cannot share.",
            "Choose a base with attention in all layers: notewright bases",
        )
    tokenizer = load_tokenizer(folder)
    logging.disable_progress_bar()
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, use_safetensors=True, trust_remote_code=False, **options)
    if "quantization_config" not in options:
        model.to(device)
    if device == "cpu":
        thin.prepare(model)
    model.config.pad_token_id = model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model, tokenizer


def load_tokenizer(folder: Path) -> Any:
    """Raises Invalid where only code of the base's own could read texts for it."""
    try:
        return chat.prepare_tokenizer(AutoTokenizer.from_pretrained(folder, trust_remote_code=False))
    except ValueError as error:
        raise (_own_code(folder, error) or error) from error


def read_family(folder: Path) -> Any:
    """transformers' own config of a base. Raises Invalid for a family that it does not know, whose code may lie in the folder."""
    try:
        return AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except ValueError as error:
        family = bases.read_config(folder).get("model_type")
        unknown = Invalid(f"{folder} is of the family {family}, which transformers does not know.", OTHER_FAMILY)
        raise (_own_code(folder, error) or unknown) from error


def _own_code(folder: Path, error: ValueError) -> Invalid | None:
    """The refusal of what transformers would ask at the terminal whether to run; without trust_remote_code=False a `y` there is enough."""
    if "trust_remote_code" not in str(error):
        return None
    return Invalid(f"{folder} can only be read by Python code that came with it, which is never run.", OTHER_FAMILY)


def give_back(device: str) -> None:
    """Let the device have what was freed: cycles (PEFT's layers and the base) and torch's cache hold on to it."""
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()


def context_length(config: Any) -> int:
    """How many tokens the base can see; a large number where it names no limit."""
    return int(getattr(config.get_text_config(), "max_position_embeddings", None) or 1 << 20)


class Engine:
    """A base with any number of adapters. Not thread-safe: one thread owns it."""

    def __init__(
        self,
        base: str | Path = "",
        adapter: Path | None = None,
        *,
        device: str = "auto",
        dtype: torch.dtype | None = None,
        revision: str | None = None,
        force: bool = False,
    ) -> None:
        """`force` loads a base even if the memory does not seem to suffice."""
        self.device = pick_device(device)
        self.base = bases.fetch_base(str(base), revision=revision or "")
        config = bases.read_config(self.base.folder)
        quantised = self._needs_four_bits(dtype, force)
        options = {"quantization_config": quantization.four_bit(self.device, str(config.get("model_type")))} if quantised else {}
        self._bare, self.tokenizer = load_base(self.base.folder, device=self.device, dtype=dtype, **options)
        self._bare.eval()
        self._shares = sharing.prepare(self._bare)
        self._model: Any = self._bare
        self._names: dict[tuple[Path, float], str] = {}  # of what is loaded, the latest used last
        self._loaded = 0
        self._plain: dict[str, torch.Tensor] = {}
        size = bases.parameter_count(config, self.base.folder)
        self._small = size <= MERGED
        self._merges = self._bare.dtype == torch.float32 and self._small
        # Threads that must meet after every small matrix are slower than one, or than two where that matrix is turned round.
        self._few_threads = (2 if thin.pays() else 1) if self.device == "cpu" and size <= TINY else 0
        self.cheap = self.device == "cuda" or self._small  # whether further candidates beside the first cost little
        self._guesses = pays(self.device, size)
        self.most_highlights = KEEPS_PLACE if size <= TINY else 0  # that it is asked about at once; 0: as many as have room
        self.misreads = size < OBEDIENT  # whether a rule in words that it was not taught with may well spoil its notes
        self.adapter: Path | None = None
        self._memory = Memory()
        self._taught: tuple[Path, ...] = ()
        self.context = context_length(self._bare.config)
        self._stops = chat.stop_tokens(self.tokenizer, self._bare.generation_config.eos_token_id)
        self._letters = letters_of(self.tokenizer, self._bare, "cpu")  # where `generate` has its scores
        self.use_adapter(adapter)

    def _needs_four_bits(self, dtype: torch.dtype | None, force: bool) -> bool:
        """Whether the base is to be loaded in 4 bits, as the card is too small for it otherwise; one that does not fit is refused.

        The whole card decides that, not what is free of it just now: the same base then always writes the same.
        """
        config = bases.read_config(self.base.folder)
        parameters = bases.parameter_count(config, self.base.folder)
        width = str(dtype or pick_dtype(parameters, self.device, str(config.get("model_type")))).removeprefix("torch.")

        def needed(width: str) -> int:
            return bases.memory_needed(config, method="draft", dtype=width, parameters=parameters)

        small = self.device == "cuda" and dtype is None and needed(width) > CARD * torch.cuda.mem_get_info()[1]
        quantised = small and quantization.at_hand()
        hint = f"{bases.DRAFT_HINT} In 4 bits it needs less: {quantization.INSTALL}" if small and not quantised else bases.DRAFT_HINT
        free = free_on_device(self.device)
        bases.require_memory(
            needed("4bit" if quantised else width), free, what=f"Drafting with {self.base.name}", hint=hint, override=force
        )  # fmt: skip
        return quantised

    @property
    def makeup(self) -> str:
        """All that a greedy draft hangs on beside its prompt and length: another one writes otherwise, be it by a word."""
        told = [__version__, torch.__version__, transformers.__version__, self.base.name, self.base.revision, self.device]
        told += [str(self._bare.dtype), str(getattr(self._bare, "is_loaded_in_4bit", False))]
        if self.adapter:
            weights = (self.adapter / WEIGHTS).stat()
            told += [self.adapter.name, str(weights.st_size), str(weights.st_mtime_ns)]
        return " ".join(told)

    def close(self) -> None:
        """Give the weights' memory back, the card's too; the engine cannot write any more."""
        self._model = self._bare = None
        self._plain.clear()
        give_back(self.device)

    def use_adapter(self, path: Path | None, *, taught: Sequence[Path] = ()) -> None:
        """Write with this adapter from now on (None: the plain base). Loaded at first use, then switched without a reload; of
        those that were used before, the last few stay loaded. `taught` are the datasets that it learnt from: what they say is guessed,
        so that it is written faster. Raises NotFound where there is none, Invalid where it is damaged."""
        if tuple(taught) != self._taught:
            self._taught = tuple(taught)
            self._memory.teach(lambda: chat.encode_answers(self.tokenizer, itertools.chain(*map(taught_texts, self._taught))))
        if path is None:
            if self._names:
                self._merge("")
            self.adapter = None
            return
        weights = path / WEIGHTS
        if not weights.exists():
            hint = "Put that folder back, or use another version: notewright models list, then notewright models use ID"
            raise NotFound(f"There is no adapter in {path}.", hint)
        key = (path.resolve(), weights.stat().st_mtime)
        if key not in self._names:
            require_whole(path)
            name, self._loaded = re.sub(r"\W", "_", path.name) + f"_{self._loaded}", self._loaded + 1
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)  # PEFT asks transformers
                if self._names:
                    self._model.load_adapter(str(path), adapter_name=name, is_trainable=False)
                else:
                    self._model = PeftModel.from_pretrained(self._bare, str(path), adapter_name=name, is_trainable=False)
            self._names[key] = name
            self._model.eval()
        self._names[key] = name = self._names.pop(key)
        self._merge(name)
        self.adapter = path
        if len(self._names) > HELD:
            self._model.set_adapter(name)  # else PEFT would choose another one where the first, which small bases leave set, goes
            while len(self._names) > HELD:
                self._model.delete_adapter(self._names.pop(next(iter(self._names))))

    def _merge(self, name: str) -> None:
        """Switch to a loaded adapter (`""`: none). Small bases: its product is added to the kept plain weights, so nothing drifts."""
        if name and not self._merges:
            self._model.base_model.enable_adapter_layers()
            self._model.set_adapter(name)
            return
        self._model.base_model.disable_adapter_layers()
        if self._merges:
            add_into_weights(self._bare, name, self._plain)

    @torch.inference_mode()
    def generate(
        self,
        messages: Sequence[Message],
        *,
        n: int = 3,
        temperature: float = 0.8,
        top_p: float = 0.95,
        max_new_tokens: int = 512,
        seed: int = 0,
        greedy_first: bool = True,
        no_repeat_ngram: int = 0,
        stop: Sequence[str] = (),
        on_token: Callable[[int, int], None] | None = None,
        on_text: Callable[[int, str], None] | None = None,
    ) -> list[Generated]:
        """n candidates for one prompt; candidate i draws from seed + i, the first one greedily if `greedy_first`.

        `no_repeat_ngram` forbids a candidate to write the same run of that many tokens twice (0: allowed); it breaks loops.
        A candidate ends before the first of the texts in `stop` and, unfinished, where it goes in a circle (`circles`).
        `on_token(written, writing)` is called after every step with the mean number of the candidates' tokens (an ended one counts as
        the longest), `on_text(candidate, text so far)` when a candidate has grown, at most every `TELL_EVERY` seconds; what they raise
        stops the drafting.
        """
        prompt = chat.encode_prompt(self.tokenizer, messages)
        room, circles = self._room(prompt, max_new_tokens), Circles(self.tokenizer, prompt)
        rows = [
            Row(
                self._stops, seed + i, 0.0 if greedy_first and i == 0 else temperature, top_p, no_repeat_ngram, self.tokenizer, stop,
                letters=self._letters, circles=circles,
            )
            for i in range(n)
        ]  # fmt: skip
        told, longest = 0.0, min(max_new_tokens, room)
        cache = roomy_cache(self._bare.config)
        # Large matrices: with all threads, whatever the base's size. Every row begins with the same scores.
        scores = self._step(torch.tensor([prompt]), cache, 1).expand(n, -1, -1)
        writing = rows
        guesses: list[list[int]] = [[] for _ in rows]
        width = 1 + (GUESSED if self._guesses and remembers_all(cache) else 0)
        # Not from earlier drafts: last digits hang on what was guessed, and the same version is to write the same.
        lookup = Lookup(prompt, taught=self._memory.taught if width > 1 else None)
        places: Places | None = None
        shared: sharing.Prompt | None = None
        with self._threads():
            while True:
                for place, row in enumerate(writing):
                    taken = row.follow(scores[place], guesses[place], longest)
                    if places and taken:
                        places.keep(place, taken)
                if on_token:  # of all rows: one that quotes at length runs far ahead of those that are waited for
                    written = sum(longest if row.over(longest) else len(row.ids) for row in rows) // n
                    on_token(written, sum(not row.finished for row in rows))
                over = all(row.over(longest) for row in rows)
                if on_text and (over or time.monotonic() - told >= TELL_EVERY):
                    for index, row in enumerate(rows):
                        if (text := row.grown()) is not None:
                            on_text(index, text)
                    told = time.monotonic()
                if over:
                    break
                if places is None:  # only now: copying the cache need not keep the first words waiting
                    if self._shares and remembers_all(cache):
                        shared, cache = sharing.prompt_of(cache), roomy_cache(self._bare.config)
                    else:
                        cache.batch_repeat_interleave(_padded(n, width))
                    places = Places(len(prompt), _padded(n, width), width)
                left = [place for place, row in enumerate(writing) if not row.over(longest)]
                if (size := _padded(len(left), width)) < _padded(len(writing), width):
                    keep = [*left, *left[:1] * (size - len(left))]
                    cache.batch_select_indices(torch.tensor(keep, device=self.device))
                    places.select(keep)
                    writing = [writing[place] for place in left]
                guesses = [lookup.guess(row.ids, width - 1) for row in writing]
                asked = [[row.ids[-1], *guess] for row, guess in zip(writing, guesses, strict=True)]
                asked += asked[:1] * (_padded(len(asked), width) - len(asked))
                scores = self._step(torch.tensor(asked), cache, width, places, shared)
        return [row.result() for row in rows]

    @torch.inference_mode()
    def write_each(
        self, tasks: Sequence[Sequence[Message]], *, max_new_tokens: int | Sequence[int] = USUAL
    ) -> Iterator[tuple[int, Generated]]:
        """One greedy draft for each of many prompts, with the prompt's place, as they are written: side by side, which takes a fraction of
        the time of one after the other. `max_new_tokens` is one limit for all, or each one's own.

        Where two tokens are all but equally likely, a draft may differ from the one that `generate` writes. Raises Invalid where a prompt
        leaves no room.
        """
        prompts = [chat.encode_prompt(self.tokenizer, messages) for messages in tasks]
        limits = [max_new_tokens] * len(tasks) if isinstance(max_new_tokens, int) else list(max_new_tokens)
        order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
        step = AT_ONCE if self._small else FEW_AT_ONCE
        for start in range(0, len(order), step):
            part = order[start : start + step]
            wanted = max(limits[place] for place in part)
            longest = min(wanted, self._room(prompts[part[-1]], wanted))
            with self._threads():
                written = sample(
                    self._model, [prompts[place] for place in part], seeds=part, stops=self._stops, pad=self.tokenizer.pad_token_id,
                    max_new_tokens=longest, temperature=0.0, letters=letters_of(self.tokenizer, self._bare), memory=self._memory,
                    circles=[Circles(self.tokenizer, prompts[place]) for place in part],
                )  # fmt: skip
            for place, whole in zip(part, written, strict=True):
                ids = whole[: limits[place]]
                finished = ids[-1] in self._stops
                text = without_thoughts(chat.decode(self.tokenizer, ids[:-1] if finished else ids))
                yield place, Generated(text, len(ids), finished, 0, greedy=True)

    def require_room(self, messages: Sequence[Message], wanted: int) -> None:
        """Raises Invalid, as writing would, where the prompt leaves no room for a note of at most `wanted` tokens."""
        self._room(chat.encode_prompt(self.tokenizer, messages), wanted)

    def _room(self, prompt: Sequence[int], wanted: int) -> int:
        """Tokens that the base sees beyond the prompt; Invalid where they are too few for a note."""
        room = self.context - len(prompt)
        if room < min(LEAST_NOTE, wanted):
            raise Invalid(
                f"The prompt has {len(prompt)} tokens, but this model sees {self.context} in all, the note included.",
                "Choose one chapter (--chapter) or fewer highlights (--highlights), or fewer examples, or a base with a longer context.",
            )
        return room

    @contextmanager
    def _threads(self) -> Iterator[None]:
        before = torch.get_num_threads()
        torch.set_num_threads(min(before, self._few_threads or before))
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def _step(
        self, ids: torch.Tensor, cache: Cache, kept: int, places: Places | None = None, prompt: sharing.Prompt | None = None
    ) -> torch.Tensor:
        """Scores after each of the last `kept` tokens of every row, float32, on the CPU. `prompt` is one that `cache` does not hold."""
        more: dict[str, Any] = {}
        if places:
            seen, positions = places.ask()
            positions = positions.clamp(max=self.context - 1)  # what is guessed behind the last place is not kept, but some look it up
            if prompt:
                later = torch.ones(places.width, places.width, dtype=torch.bool).triu(1)
                mask = seen[:, None, None].repeat(1, 1, places.width, 1)
                mask[..., -places.width :] &= ~later
                more["prompt"] = prompt
            else:
                mask = torch.cat([seen.new_ones(len(seen), places.prompt), seen], 1).long()
            more |= {"attention_mask": mask.to(self.device), "position_ids": positions.to(self.device)}
        output = self._model(input_ids=ids.to(self.device), past_key_values=cache, use_cache=True, logits_to_keep=kept, **more)
        scores: torch.Tensor = output.logits[:, -kept:].float().cpu()
        return scores

    @torch.inference_mode()
    def logprob(self, messages: Sequence[Message], text: str) -> tuple[float, int]:
        """(log-probability of `text` with its end as the answer to `messages`, number of its tokens)."""
        prompt, completion = chat.encode_prompt(self.tokenizer, messages), chat.encode_completion(self.tokenizer, text)
        if len(prompt) + len(completion) > self.context:
            raise Invalid(f"Prompt and text have {len(prompt) + len(completion)} tokens, but this model sees {self.context}.")
        ids = torch.tensor([prompt + completion], device=self.device)
        logits = self._model(input_ids=ids, use_cache=False, logits_to_keep=len(completion) + 1).logits[0, :-1].float()
        chosen = torch.log_softmax(logits, -1).gather(1, ids[0, len(prompt) :, None])
        return float(chosen.sum()), len(completion)


class Row:
    """One candidate being written: its ids, its own random generator, its sampling."""

    def __init__(
        self, stops: set[int], seed: int, temperature: float, top_p: float, no_repeat_ngram: int, tokenizer: Any = None,
        stop: Sequence[str] = (), *, letters: Letters | None = None, circles: Circles | None = None,
    ) -> None:  # fmt: skip
        self.stops, self.seed, self.temperature, self.top_p, self.ngram = stops, seed, temperature, top_p, no_repeat_ngram
        self.tokenizer, self.stop = tokenizer, [text for text in stop if text]
        self.letters, self.begun = letters, 0  # what the last letter still needs
        self.circles, self.circling = circles, False
        # A token is at least one byte: this many last tokens hold any stop text that has just been completed.
        self.reach = max((len(text.encode()) for text in self.stop), default=0) + 4
        self.random = torch.Generator().manual_seed(seed)
        self.ids: list[int] = []
        self.followers: dict[tuple[int, ...], set[int]] = {}
        self.finished = False
        self.told = ""

    def over(self, longest: int) -> bool:
        return self.finished or self.circling or len(self.ids) >= longest

    def follow(self, scores: torch.Tensor, guess: Sequence[int], longest: int) -> int:
        """Choose tokens as long as the guess was right; returns how many."""
        taken, before = 0, len(self.ids)
        while taken < len(scores) and not self.over(longest):
            self.choose(scores[taken])
            taken += 1
            if self.ids[-1:] != list(guess[taken - 1 : taken]):
                break
        if self.circles and not self.finished and (at := due(before, len(self.ids))) and self.circles.found(self.ids[:at]):
            self.circling = True
            del self.ids[at:]
        return taken

    def choose(self, scores: torch.Tensor) -> None:
        """Append the next token: the best one at temperature 0, else one draw from the smallest set with probability `top_p`."""
        banned = self.followers.get(tuple(self.ids[len(self.ids) - self.ngram + 1 :])) if self.ngram else None
        if banned:
            scores = scores.clone()
            scores[list(banned)] = -torch.inf
        if self.letters:
            scores = scores + self.letters.masks[self.begun]
        if self.temperature <= 0:
            token = int(scores.argmax())
        else:
            order, sums = _nucleus(torch.softmax(scores / self.temperature, -1), self.top_p)
            draw = torch.rand((), generator=self.random) * sums[-1]
            token = int(order[min(int(torch.searchsorted(sums, draw, right=True)), len(order) - 1)])
        if self.ngram and len(self.ids) >= self.ngram - 1:
            self.followers.setdefault(tuple(self.ids[len(self.ids) - self.ngram + 1 :]), set()).add(token)
        if self.letters:
            self.begun = int(self.letters.next[self.begun, token])
        self.ids.append(token)
        self.finished = token in self.stops
        if self.stop and not self.finished:
            tail = chat.decode(self.tokenizer, self.ids[-self.reach :])
            self.finished = any(text in tail for text in self.stop)

    @property
    def text(self) -> str:
        ids = self.ids[:-1] if self.ids and self.ids[-1] in self.stops else self.ids
        text = chat.decode(self.tokenizer, ids)
        text = text[: min((at for stop in self.stop if (at := text.find(stop)) >= 0), default=len(text))]
        return without_thoughts(text)

    def grown(self) -> str | None:
        """The text so far if it differs from what was told last, without a letter whose bytes are not all there yet."""
        text = self.text if self.finished else without_thoughts(self.text.rstrip("\ufffd"), growing=True)
        if text == self.told:
            return None
        self.told = text
        return text

    def result(self) -> Generated:
        return Generated(self.text, len(self.ids), self.finished, self.seed, self.temperature <= 0)


def _nucleus(chances: torch.Tensor, top_p: float) -> tuple[torch.Tensor, torch.Tensor]:
    """(tokens, sums of their chances) of the smallest set that has the probability `top_p`: likeliest first, equal ones by number.

    A few tokens nearly always hold it, and to sort a whole vocabulary costs several times as much as to find them.
    """
    likeliest = chances.max(0)
    if float(likeliest.values) >= max(top_p, 0.51):  # alone, as nearly always where words are copied; no other is as likely
        return likeliest.indices[None], likeliest.values[None]
    for many in (min(LIKELIEST, len(chances)), len(chances)):
        tokens = chances.topk(many, sorted=False).indices.sort().values
        values, places = chances[tokens].sort(descending=True, stable=True)
        sums = values.cumsum(0)
        kept = int(torch.searchsorted(sums, torch.tensor(top_p))) + 1
        if kept < many and values[kept - 1] > values[-1]:  # else tokens that were not looked at may belong to it
            break
    return tokens[places[:kept]], sums[:kept]


def _padded(rows: int, width: int) -> int:
    """Rows of `width` tokens to compute for so many candidates; large bases, which do not guess, are spared most of `LEAST`."""
    return max(rows, -(-LEAST // width)) if width > 1 else -(-rows // 4) * 4
