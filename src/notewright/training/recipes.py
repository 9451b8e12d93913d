"""Recipes: all the settings of one training, as one flat frozen dataclass per method.

A value comes from the first of: a flag, the `--recipe` file, the effort preset, the tables below (by model size and number of rows),
the field's default. `resolve` also says which it was. Zero means "by the tables". Nothing heavy is imported here.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ..errors import Invalid, NotFound
from ..models.bases import short
from ..reward.lists import question_key
from ..settings import IN_WORDS
from ..text import count

EFFORTS = ("quick", "normal", "thorough")
MINIMUM_ROWS = {"sft": 8, "ditto": 8, "edits": 4, "dpo": 4, "kto": 300, "reward": 20, "grpo": 16, "rloo": 16, "ppo": 16}
MINIMUM_WATCHED = 3  # held-out passages by which DITTO knows when to stop
TINY = 50_000_000
LONGEST = 2048  # tokens of prompt and note, where the base sees more
AT_ONCE = 1536  # tokens of one pass of a processor: enough for its matrices; more would only be padded and kept (docs/benchmarks.md)
IN_PASSES = ("sft", "ditto", "edits", "dpo", "reward")  # methods whose losses are sums over rows, so that a batch can be read in parts
EDIT_BETA = 2.5  # times the beta of whole texts
UPDATES = 60  # of a policy that learns from its own drafts


def _of(default: Any, *, low: float = -math.inf, high: float = math.inf, choices: tuple[str, ...] = ()) -> Any:
    return field(default=default, metadata={"low": low, "high": high, "choices": choices})


@dataclass(frozen=True, slots=True)
class Recipe:
    """What every method shares."""

    seed: int = _of(0, low=0, high=4_000_000_000)  # numpy takes none of 2**32 or more
    effort: float = _of(1.0, low=0.01, high=100)  # multiplies the epochs of the tables
    epochs: float = _of(0.0, low=0, high=1000)
    max_steps: int = _of(0, low=0)  # 0: the epochs decide
    batch_size: int = _of(0, low=0, high=1024)
    accumulation: int = _of(1, low=1, high=1024)
    learning_rate: float = _of(0.0, low=0, high=1)
    scheduler: str = _of("cosine", choices=("cosine", "linear", "constant", "constant_with_warmup"))
    warmup: float = _of(0.06, low=0, high=1)  # share of the steps
    weight_decay: float = _of(0.01, low=0, high=10)
    adam_beta2: float = _of(0.0, low=0, high=0.99999)
    clip: float = _of(1.0, low=0)
    max_length: int = _of(0, low=0)  # tokens of prompt and note; 0: what the base sees, at most `LONGEST`
    lora_rank: int = _of(0, low=0, high=1024)
    lora_alpha: int = _of(0, low=0, high=4096)
    lora_dropout: float = _of(-1.0, low=-1, high=0.9)  # -1: by the tables
    precision: str = _of("auto", choices=("auto", "float32", "bfloat16"))
    activation_checkpointing: str = _of("auto", choices=("auto", "on", "off"))
    quantize: str = _of("", choices=("", "4bit"))
    length_grouping: str = _of("auto", choices=("auto", "on", "off"))  # batches of rows of similar length; auto: where there are many
    checkpoint_seconds: float = _of(15.0, low=1, high=3600)


@dataclass(frozen=True, slots=True)
class SftRecipe(Recipe):
    """Supervised fine-tuning on the person's own passages; loss on the passage only.

    `early_stop`: every so many steps the held-out passages are written, and the training ends when their distance to the person's own
    stops falling. `rate_check`: at the first use of a base, three short trainings find out which of half, the whole and twice the rate
    suits these notes. `source_balance` 0 counts every passage alike, 1 every source; `source_weights` is the person's own word, as in
    "The Nile = 0.2; Salt = 2".
    """

    early_stop: str = _of("auto", choices=("auto", "on", "off"))
    patience: int = _of(2, low=1, high=20)  # checks without a gain until the training ends
    watch_rows: int = _of(12, low=1, high=64)  # held-out passages that are written at each check
    rate_check: str = _of("auto", choices=("auto", "on", "off"))
    source_balance: float = _of(0.5, low=0, high=1)
    source_weights: str = _of("")


@dataclass(frozen=True, slots=True)
class DittoRecipe(Recipe):
    """DITTO (arXiv:2406.00888): the person's passage beats what the policy writes itself, in rounds of `max_steps` steps.

    Of the comparisons `replay` are with the samples of earlier rounds, and `between` put a later round's sample above an earlier one's.
    """

    beta: float = _of(0.0, low=0, high=10)
    sft_weight: float = _of(0.1, low=0, high=10)
    rounds: int = _of(4, low=1, high=20)
    prompts: int = _of(32, low=1, high=1024)  # passages that are written anew in each round
    samples: int = _of(4, low=1, high=16)  # of each
    temperature: float = _of(1.0, low=0.05, high=2)
    replay: float = _of(0.2, low=0, high=1)
    between: float = _of(0.1, low=0, high=1)
    too_near: float = _of(0.05, low=0, high=1)  # samples nearer to the passage than this teach nothing
    watch_rows: int = _of(12, low=1, high=64)


@dataclass(frozen=True, slots=True)
class EditsRecipe(Recipe):
    """Edits, token by token: weights of the loss on inserted, deleted and shared tokens, and of the preference for the changes.

    Shared tokens weigh as much as inserted ones, or these would become likelier everywhere; `deleted` is off, as unlikelihood made drafts
    go in circles (docs/lab-notes.md).

    `early_stop`: every so many steps drafts are written. The result is the state whose drafts of held-out prompts are nearest to what the
    person made of drafts of these, of those in which no more than `max_invalid` newly fail to end or repeat themselves.
    """

    beta: float = _of(0.0, low=0, high=10)
    inserted: float = _of(1.0, low=0, high=10)
    shared: float = _of(1.0, low=0, high=10)
    deleted: float = _of(0.0, low=0, high=10)  # unlikelihood
    preference: float = _of(0.5, low=0, high=10)
    cost_margin: float = _of(1.0, low=0, high=10)  # how far a costly edit's text must lead over the draft, in units of beta x log-ratio
    links: int = _of(1, low=1, high=12)  # of a chain of changes; 1: all together
    early_stop: str = _of("auto", choices=("auto", "on", "off"))
    patience: int = _of(2, low=1, high=20)  # checks without a gain until the training ends
    watch_rows: int = _of(12, low=1, high=64)  # drafts that are written at each check
    max_invalid: float = _of(0.13, low=0, high=1)  # 0: no limit


@dataclass(frozen=True, slots=True)
class DpoRecipe(Recipe):
    """Preferences: `loss` plus `sft_weight` times the chosen passage's own loss, which keeps its probability from falling.

    A ranking of several drafts is one unit: `pl` is Plackett-Luce over the whole list, `lipo` LambdaRank's weights on its pairs (LiPO,
    arXiv:2402.01878), `pairs` every pair by itself; with two drafts all three are DPO's sigmoid loss. With `rounds` above 1 the policy
    writes `samples` drafts of `prompts` past inputs before each further round, and the trusted `reward` labels the best and the worst.
    The training ends at the last good state when the limits are broken (0: no limit).
    """

    beta: float = _of(0.0, low=0, high=10)
    sft_weight: float = _of(0.2, low=0, high=10)
    label_smoothing: float = _of(0.0, low=0, high=0.49)
    loss: str = _of("pl", choices=("pl", "lipo", "pairs"))
    shared: float = _of(1.0, low=0, high=1)  # weight, in comparing two texts, of the tokens that both have
    rounds: int = _of(1, low=1, high=20)
    prompts: int = _of(32, low=1, high=1024)
    samples: int = _of(8, low=2, high=32)
    temperature: float = _of(1.0, low=0.05, high=2)
    reward: str = _of("auto", choices=("auto", "taste", "embedding", "ensemble", "combination"))
    max_fall: float = _of(0.2, low=0, high=10)  # nats a token that the chosen texts may lose against the reference
    max_drift: float = _of(0.25, low=0, high=10)  # share by which the drafts' median length may change
    max_invalid: float = _of(0.13, low=0, high=1)  # share of drafts that may newly fail to end or repeat themselves
    max_kl: float = _of(10.0, low=0)  # nats a draft
    guard_rows: int = _of(8, low=1, high=64)


@dataclass(frozen=True, slots=True)
class KtoRecipe(Recipe):
    """KTO (arXiv:2402.01306): accepted and rejected drafts, each by itself; the rarer kind counts more."""

    beta: float = _of(0.0, low=0, high=10)


@dataclass(frozen=True, slots=True)
class RewardRecipe(Recipe):
    """The neural reward model: `members` LoRAs with scalar heads, each missing a fold of questions; an edit counts `edit_weight` times."""

    members: int = _of(3, low=1, high=16)
    edit_weight: int = _of(3, low=1, high=12)


@dataclass(frozen=True, slots=True)
class SamplingRecipe(Recipe):
    """What GRPO, RLOO and PPO share: the policy's own drafts are judged. `batch_size` counts the drafts of one update.

    A draft earns `reward_weight` times a trusted reward (between -1 and 1) plus `similarity_weight` times its likeness to the person's own
    text (0 to 1), less `gate_penalty` where a gate blocks it. `kl` is the price of a nat of distance from the start.
    """

    candidates: int = _of(4, low=1, high=64)  # drafts of one prompt
    max_new_tokens: int = _of(256, low=1, high=8192)
    temperature: float = _of(1.0, low=0.05, high=3)
    kl: float = _of(0.05, low=0, high=10)
    kl_limit: float = _of(50.0, low=0.1, high=10_000)  # nats a draft; a policy further away than this is stopped
    reward: str = _of("auto", choices=("auto", "none", "taste", "embedding", "ensemble", "combination"))
    reward_weight: float = _of(1.0, low=0, high=100)
    similarity_weight: float = _of(1.0, low=0, high=100)
    gate_penalty: float = _of(1.0, low=0, high=100)


@dataclass(frozen=True, slots=True)
class GroupRecipe(SamplingRecipe):
    """GRPO and RLOO: a draft is worth how much more it earns than the other drafts of its prompt.

    The drafts of an update are learnt from `iterations` times (mu in the GRPO paper), each time in optimizer steps of `minibatch` drafts.
    """

    iterations: int = _of(1, low=1, high=64)
    minibatch: int = _of(0, low=0, high=1024)


@dataclass(frozen=True, slots=True)
class PpoRecipe(SamplingRecipe):
    """PPO: a draft's tokens are worth what it earns beyond the value that a second adapter had expected."""

    kl_target: float = _of(6.0, low=0, high=10_000)  # nats a draft; the price of a nat adapts to it; 0: the price stays
    kl_horizon: int = _of(2000, low=1)  # drafts over which the price adapts
    ppo_epochs: int = _of(4, low=1, high=64)
    minibatch: int = _of(0, low=0, high=4096)  # drafts of one optimizer step
    discount: float = _of(1.0, low=0, high=1)  # gamma
    gae_lambda: float = _of(0.95, low=0, high=1)
    clip_range: float = _of(0.2, low=0.001, high=10)
    value_clip: float = _of(0.2, low=0.001, high=1000)
    value_rate: float = _of(0.0, low=0, high=1)  # learning rate of the value adapter and its head


RECIPES: dict[str, type[Recipe]] = {
    "sft": SftRecipe, "ditto": DittoRecipe, "edits": EditsRecipe, "dpo": DpoRecipe, "kto": KtoRecipe, "reward": RewardRecipe,
    "grpo": GroupRecipe, "rloo": GroupRecipe, "ppo": PpoRecipe,
}  # fmt: skip
PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "sft": {"quick": {"effort": 0.3}, "normal": {}, "thorough": {"effort": 2.0}},
    "ditto": {"quick": {"rounds": 2, "samples": 2}, "normal": {}, "thorough": {"rounds": 6, "samples": 8, "prompts": 48}},
    "edits": {"quick": {"effort": 0.5}, "normal": {}, "thorough": {"effort": 2.0}},
    "dpo": {"quick": {"effort": 0.5, "guard_rows": 4}, "normal": {}, "thorough": {"effort": 2.0}},
    "kto": {"quick": {"effort": 0.5}, "normal": {}, "thorough": {"effort": 2.0}},
    "reward": {"quick": {"effort": 0.5}, "normal": {}, "thorough": {"effort": 2.0, "members": 5}},
    **{method: {"quick": {"effort": 0.4}, "normal": {}, "thorough": {"effort": 2.0}} for method in ("grpo", "rloo", "ppo")},
}
# Up to so many parameters: LoRA rank, SFT rate, DPO rate, rows a batch, beta. Those rates are measured up to 0.2 billion, above they are
# in common use or lie in between (decision 28).
SIZES: tuple[tuple[float, int, float, float, int, float], ...] = (
    (TINY, 16, 1.5e-3, 2e-4, 4, 0.2),
    (0.2e9, 16, 1.5e-3, 1e-4, 8, 0.2),
    (0.6e9, 16, 8e-4, 5e-5, 8, 0.2),
    (2e9, 16, 3e-4, 1e-5, 8, 0.2),
    (5e9, 16, 2e-4, 1e-5, 8, 0.1),
    (9e9, 16, 2e-4, 5e-6, 8, 0.1),
    (math.inf, 16, 1e-4, 5e-6, 8, 0.1),
)
FEW = 40  # rankings that 60 updates of two read three times or more
# Up to so many rows: those that SFT of a base that is not tiny takes at once, epochs.
FEW_AT_ONCE = ((100, 2), (300, 4), (math.inf, 8))
EPOCHS = ((100, 5.0), (300, 4.0), (1000, 3.0), (math.inf, 2.0))


def read_together(method: str, batch: int, longest: int) -> int:
    """How many rows of so many tokens a processor reads in one pass."""
    return max(1, min(batch, AT_ONCE // longest)) if method in IN_PASSES else batch


@dataclass(frozen=True, slots=True)
class Resolved:
    """A recipe without open values, and where each value came from."""

    recipe: Recipe
    origins: dict[str, str]

    def values(self) -> dict[str, object]:
        return asdict(self.recipe)


def resolve(
    method: str,
    *,
    parameters: int,
    rows: int,
    effort: str = "normal",
    recipe_file: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    among: int = 1,
) -> Resolved:
    """The whole recipe for a base of so many parameters and so many rows, trained `among` so many processes, which share a batch. Raises
    Invalid with every unknown key and bad value at once."""
    if method not in RECIPES:
        raise Invalid(f"There is no training method {method!r}.", f"Methods: {', '.join(RECIPES)}")
    if effort not in EFFORTS:
        raise Invalid(f"There is no effort {effort!r}.", f"Efforts: {', '.join(EFFORTS)}")
    known = {item.name: item for item in fields(RECIPES[method])}
    origins = dict.fromkeys(known, "default")
    values: dict[str, Any] = {}
    problems: list[str] = []
    layers = [(f"effort {effort}", PRESETS[method][effort])]
    if recipe_file is not None:
        layers.append((recipe_file.name, _read(recipe_file)))
    layers.append(("flag", {name: value for name, value in (overrides or {}).items() if value is not None}))
    for origin, table in layers:
        for name, value in table.items():
            if name not in known:
                problems.append(f"{origin}: unknown key {name!r}")
                continue
            try:
                values[name] = _checked(known[name], value)
                origins[name] = origin
            except ValueError as error:
                problems.append(f"{origin}: {name} {error}")
    if problems:
        raise Invalid(
            f"The {method} recipe has {count(len(problems), 'problem')}: " + "; ".join(problems),
            f"Keys: {', '.join(known)}", problems,
        )  # fmt: skip
    recipe = replace(RECIPES[method](), **values)
    for name, (value, origin) in _by_tables(method, recipe, parameters, rows).items():
        if getattr(recipe, name) == (-1 if name == "lora_dropout" else 0):
            value = math.ceil(value / among) * among if name == "batch_size" else value
            recipe = replace(recipe, **{name: value})
            origins[name] = origin
    if not recipe.lora_alpha:
        recipe, origins["lora_alpha"] = replace(recipe, lora_alpha=2 * recipe.lora_rank), "2 x lora_rank"
    if method == "kto" and recipe.batch_size == 1:
        raise Invalid("KTO judges every draft beside others: batch_size = 1 has none.", "Set batch_size to 2 or more, or leave it out.")
    return Resolved(recipe, origins)


def _by_tables(method: str, recipe: Recipe, parameters: int, rows: int) -> dict[str, tuple[Any, str]]:
    _, rank, sft_rate, dpo_rate, batch, beta = next(row for row in SIZES if parameters <= row[0])
    size = f"base of {short(parameters)} parameters"
    batch = recipe.batch_size or batch
    steps = 0
    if method in ("dpo", "edits", "kto"):
        tiny = parameters <= TINY
        epochs = 1.0 if method == "kto" else 3.0 if tiny else 2.0
        if method != "kto":
            # A base needs its updates; where the rankings are few, two in each do better than four (lab notes; of a tiny base's edits not).
            batch = recipe.batch_size or (2 if rows <= FEW and (method == "dpo" or not tiny) else batch)
            epochs = min(16.0, max(epochs, (60 if tiny else 30) * batch / max(1, rows)))  # the guard ends what goes too far
        rate = 5 * dpo_rate if method == "edits" else dpo_rate  # most of an edit's loss is likelihood, which bears more
    elif method == "ditto":
        epochs, rate, batch = 1.0, dpo_rate / 2, recipe.batch_size or 2 * batch
        steps = 10 if rows < 100 else 20
    elif method == "reward":
        # Over lists: each of a ranking's texts is read once an epoch. With 30 updates a member on a tiny base has learnt nothing yet.
        assert isinstance(recipe, RewardRecipe)
        own = rows * (1 - 1 / recipe.members) if recipe.members > 1 else rows
        epochs, rate = (min(16.0, max(4.0, 80 * batch / max(1, own))), sft_rate) if parameters <= TINY else (4.0, sft_rate / 2)
    elif issubclass(RECIPES[method], SamplingRecipe):
        return _by_sampling_tables(recipe, parameters, rows, rank)
    else:
        epochs = next(value for limit, value in EPOCHS if rows <= limit)
        rate = sft_rate if rows >= 30 else sft_rate / 2
        if parameters <= TINY:
            # A tiny base needs its updates to take a style on, the more the fewer the rows; two rows each do as well as four (lab notes).
            batch, rate, least = recipe.batch_size or 2, sft_rate, 100 if rows < 24 else 64
            epochs = max(min(20.0, max(epochs, 130 * batch / max(1, rows))), min(14.0, least * batch / max(1, rows)) / recipe.effort)
        else:
            # Of the same passes over few rows many small updates teach far more than few large ones (decision 28).
            batch = recipe.batch_size or next(few for limit, few in FEW_AT_ONCE if rows <= limit)
            epochs = max(epochs, min(15.0, 100 * batch / max(1, rows)))
    found: dict[str, tuple[Any, str]] = {
        "lora_rank": (rank, size),
        "lora_dropout": (0.0, "nothing was gained by it"),
        "learning_rate": (rate, f"{size}, {rows} rows"),
        "batch_size": (batch, size),
        "epochs": (round(epochs * recipe.effort, 2), f"{size}, {rows} rows, effort {recipe.effort:g}"),
        "adam_beta2": (0.95 if epochs * recipe.effort * rows / batch < 200 else 0.999, "number of steps"),
    }
    if method in ("ditto", "edits", "dpo", "kto"):
        # An edit is judged on its changed tokens alone: their sums are smaller than a text's.
        found["beta"] = (EDIT_BETA * beta if method == "edits" else beta, size)
    if method == "ditto":
        found["max_steps"] = (steps, f"{rows} rows, a round")
    return found


def _by_sampling_tables(recipe: Recipe, parameters: int, prompts: int, rank: int) -> dict[str, tuple[Any, str]]:
    """Some `UPDATES` updates: small data allow few before the reward is hacked rather than earned."""
    assert isinstance(recipe, SamplingRecipe)
    size = f"base of {short(parameters)} parameters"
    rate = 5e-4 if parameters <= TINY else 1e-5 if parameters <= 5e9 else 5e-6
    batch = recipe.batch_size or (32 if parameters <= TINY else 64)
    epochs = UPDATES * recipe.effort * batch / max(1, prompts * recipe.candidates)
    found: dict[str, tuple[Any, str]] = {
        "lora_rank": (rank, size),
        "lora_dropout": (0.0, "a sampled draft must be as likely when it is learnt from as when it was written"),
        "learning_rate": (rate, size),
        "batch_size": (batch, size),
        "epochs": (round(epochs, 3), f"{UPDATES} updates, effort {recipe.effort:g}"),
        "adam_beta2": (0.95, "number of steps"),
    }
    if isinstance(recipe, GroupRecipe):
        found["minibatch"] = (next(part for part in range(max(1, batch // 4), 0, -1) if batch % part == 0), "a quarter of batch_size")
    if isinstance(recipe, PpoRecipe):
        found["minibatch"] = (max(1, batch // 4), "a quarter of batch_size")
        found["value_rate"] = (2 * (recipe.learning_rate or rate), "twice learning_rate")
    return found


def explain(resolved: Resolved) -> list[str]:
    """One line for each value that is not the field's default: the value and where it came from."""
    return [f"  {name} = {resolved.values()[name]}  ({origin})" for name, origin in resolved.origins.items() if origin != "default"]


def total_steps(recipe: Recipe, rows: int) -> int:
    """Optimizer steps of the whole training."""
    if recipe.max_steps:
        return recipe.max_steps
    if isinstance(recipe, SamplingRecipe):
        return max(1, math.ceil(rows * recipe.candidates * recipe.epochs / recipe.batch_size - 1e-9))
    each = max(1, math.ceil(math.ceil(rows / recipe.batch_size) / recipe.accumulation))
    return max(1, math.ceil(each * recipe.epochs))


def planned_steps(recipe: Recipe, rows: int) -> int:
    """Steps of all rounds together, as far as can be said before the first."""
    return total_steps(recipe, rows) * int(getattr(recipe, "rounds", 1))


def require_questions(rows: Iterable[Mapping[str, Any]], members: int) -> None:
    """Refuse a reward model of which some members would miss no question, and so judge what they have seen."""
    questions = len({question_key(row) for row in rows})
    if members > 1 and questions < members:
        raise Invalid(
            f"The choices are about {count(questions, 'chapter')} (or other set of highlights); a reward model of {members} members needs "
            f"at least {members}, as each member does without some of them.",
            "Draft and rank another chapter: notewright draft --source TITLE, then notewright rank. Or train one member, which earns no "
            "trust by what it was trained on: --set members=1",
        )


def load(method: str, values: Mapping[str, Any]) -> Recipe:
    """A recipe as it was saved with a run."""
    return RECIPES[method](**values)


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise NotFound(f"There is no recipe file {path}.", "Name an existing TOML file: --recipe FILE")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is not valid TOML: {error}", "Mend that line and try again.") from error


def _checked(item: Field[Any], value: Any) -> Any:
    """The value in the field's type and range; ValueError says what was expected. Text (from flags) is parsed."""
    assert item.default is not MISSING
    kind = type(item.default)
    if isinstance(value, str) and kind is not str:
        words = {"true": True, "on": True, "false": False, "off": False}
        try:
            value = words[value.lower()] if kind is bool else kind(value)
        except (KeyError, ValueError):
            raise ValueError(f"must be {IN_WORDS[kind]}, not {value!r}") from None
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind:
        raise ValueError(f"must be {IN_WORDS[kind]}, not {value!r}")
    choices, low, high = item.metadata["choices"], item.metadata["low"], item.metadata["high"]
    if choices and value not in choices:
        raise ValueError(f"must be one of {', '.join(repr(choice) for choice in choices)}, not {value!r}")
    if kind in (int, float) and not (low <= value <= high and math.isfinite(value)):
        low, high = (bound if isinstance(bound, int) else f"{bound:g}" for bound in (low, high))
        raise ValueError(f"must be between {low} and {high}, not {value!r}")
    return value
