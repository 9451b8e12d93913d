"""Who and where: the home folder, config.toml, the environment. Nothing about training lives here (that is a recipe).

Order of precedence: environment, then `config.toml`, then defaults. The Readwise token never goes into the TOML file: it is read
from the environment, the system keyring, or a file of mode 0600 in the home folder.
"""

from __future__ import annotations

import os
import re
import threading
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from .errors import Invalid, NotFound, Unavailable
from .files import private, put, taken

TELEMETRY_OFF = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",  # of DO_NOT_TRACK it takes the word "true" only
    "GRADIO_ANALYTICS_ENABLED": "False",  # trackio's dashboard
    "TRL_EXPERIMENTAL_SILENCE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


# OpenMP threads that wait must sleep, not spin: beside any other work on the machine spinning made drafting 15 times slower.
POLITE_THREADS = {"OMP_WAIT_POLICY": "PASSIVE"}


def silence_telemetry() -> None:
    """Set the opt-out variables of the libraries we build on, and polite threads; call before any of them is imported."""
    for name, value in POLITE_THREADS.items():
        os.environ.setdefault(name, value)
    for name, value in TELEMETRY_OFF.items():
        os.environ.setdefault(name, value)
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


_HUB_ID = re.compile(r"[A-Za-z0-9_][\w.-]*/[\w.-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Settings:
    """`vault` is absent until `notewright init --vault`. `readwise_folder` and `exclude` are vault-relative and never indexed as notes.

    `base_model` is a hub id or a folder; empty means the bundled seedling. `device` is auto, cpu, cuda or mps.
    `engine_url` names an OpenAI-compatible server (…/v1) that writes in place of a model of ours, `engine_model` its model there.
    Copies of notes made before a write are kept for `backup_days`, and no more than `backup_megabytes` of them; 0 keeps only what must be.
    `template` frames drafts that go into a new note.
    `embeddings` lets pairing compare sentences by their meaning (the extra of that name).
    `nli_model` is the folder of an entailment model for the gates (optional).
    `duels` is the share of drafts in which two versions are shown side by side, unnamed (0: none; only while there are two).
    `improve_after` lets a running server improve by itself after so many judged batches (0: never).
    `keep_versions` is how many of the newest versions keep their files when `improve` ends, beside those that something needs (0: all do).
    """

    home: Path
    vault: Path | None = None
    readwise_folder: str = ""
    exclude: tuple[str, ...] = ()
    base_model: str = ""
    device: str = "auto"
    engine_url: str = ""
    engine_model: str = ""
    nli_model: Path | None = None
    backup_days: int = 90
    backup_megabytes: int = 500
    template: str = ""
    duels: float = 0.12
    improve_after: int = 0
    keep_versions: int = 24
    embeddings: bool = False

    @property
    def config_path(self) -> Path:
        return self.home / "config.toml"

    def need_vault(self) -> Path:
        """The vault folder, or an error that says how to name one."""
        if self.vault is None:
            raise Invalid("No vault is set.", "Name yours with: notewright init --vault PATH")
        if not self.vault.is_dir():
            raise NotFound(f"The vault {self.vault} does not exist.", "Name it again with: notewright init --vault PATH")
        return self.vault


def home_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """`NOTEWRIGHT_HOME`, else `~/.notewright`. Raises NotFound where ~ leads nowhere."""
    value = environ.get("NOTEWRIGHT_HOME") or "~/.notewright"
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError as error:
        raise NotFound(f"There is no {value.partition('/')[0]} on this machine.", "Name a folder: notewright --home PATH") from error


def expanded(path: str | Path) -> Path:
    """The path from ~ or ~somebody on; as it is where there is nobody of that name (a note may be called so)."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def require_private(path: Path) -> None:
    """Refuse a secret that others can read."""
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise Invalid(f"{path} can be read by others.", f"Run: chmod 600 {path}")


def load_settings(home: Path | None = None) -> Settings:
    """Settings from `home`'s config.toml; a missing file gives the defaults. Raises Invalid for bad TOML or unknown keys."""
    home = home or home_folder()
    path = home / "config.toml"
    if not path.exists():
        return Settings(home=home)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is not valid TOML: {error}", "Mend that line, or delete the file and run notewright init again.") from error
    return replace(Settings(home=home), **_checked(table, path))


IN_WORDS: dict[type, str] = {str: "text", int: "a whole number", float: "a number", bool: "true or false", list: "a list"}


def _checked(table: Mapping[str, Any], path: Path) -> dict[str, Any]:
    texts = ("vault", "readwise_folder", "base_model", "device", "engine_url", "engine_model", "nli_model", "template")
    kinds: dict[str, type] = {**dict.fromkeys(texts, str), "exclude": list, "backup_days": int, "backup_megabytes": int}
    kinds |= {"duels": float, "improve_after": int, "keep_versions": int, "embeddings": bool}
    table = {key: float(value) if key == "duels" and type(value) is int else value for key, value in table.items()}
    problems = [f"unknown key {key!r} (known: {', '.join(kinds)})" for key in table if key not in kinds]
    problems += [
        f"{key} must be {IN_WORDS[kinds[key]]}, not {IN_WORDS.get(type(value), 'a date or a table')}"
        for key, value in table.items()
        if key in kinds and type(value) is not kinds[key]  # true and false are whole numbers to Python
    ]
    if table.get("device", "auto") not in ("auto", "cpu", "cuda", "mps"):
        problems.append(f"device must be auto, cpu, cuda or mps, not {table['device']!r}")
    problems += [
        f"{key} must not be negative"
        for key in ("backup_days", "backup_megabytes", "improve_after", "keep_versions")
        if isinstance(table.get(key), int) and table[key] < 0
    ]
    if isinstance(duels := table.get("duels", 0.0), float) and not 0 <= duels <= 0.5:
        problems.append(f"duels must lie between 0 and 0.5, not {duels}")
    url = table.get("engine_url", "")
    if isinstance(url, str) and url and not re.fullmatch(r"https?://[^\s/]+(/\S*)?", url):
        problems.append(f"engine_url must be the address of a server, such as http://127.0.0.1:8080/v1, not {url!r}")
    if problems:
        raise Invalid(
            f"{path} has {len(problems)} problem{'s' * (len(problems) > 1)}: " + "; ".join(problems),
            "Mend config.toml and try again.",
            problems,
        )
    values = dict(table)
    for key in ("vault", "nli_model"):
        if key in values:
            values[key] = expanded(values[key]) if str(values[key]).strip() else None
    if "exclude" in values:
        values["exclude"] = tuple(str(item) for item in values["exclude"])
    return values


def save_settings(settings: Settings) -> None:
    """Write config.toml (atomically): what differs from it is changed there, all else stays as the person wrote it.

    Raises Unavailable where that is not possible, Invalid where the file is not valid.
    """
    written, default = load_settings(settings.home), Settings(home=settings.home)
    table: dict[str, Any] = {}
    for item in fields(Settings):
        value = getattr(settings, item.name)
        if item.name == "home" or value == getattr(written, item.name):
            continue
        plain = str(value) if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
        table[item.name] = None if value == getattr(default, item.name) else plain
    try:
        private(settings.home)
        path = settings.config_path
        before = path.read_bytes().decode() if path.exists() else ""
        put(Path(os.path.realpath(path)), edited(before, table))  # not the link to it that somebody keeps here
    except OSError as error:
        raise _unwritable(settings.home, error) from error


def _unwritable(home: Path, error: OSError) -> Unavailable:
    fault = (
        f"{home} is a file, not a folder"
        if home.exists() and not home.is_dir()
        else f"{home / 'config.toml'} cannot be written: {error.strerror}"
    )
    hint = "Check the disk and its permissions, or choose another home: notewright --home PATH, or NOTEWRIGHT_HOME."
    return Unavailable(f"{fault}.", hint)


def edited(text: str, values: Mapping[str, Any]) -> str:
    """TOML of one table with other `values`: those that differ are written anew in their place, or at the end, None takes a key out; the
    rest is as it was, remarks too, and what was remarked beside a key that goes becomes a line of its own."""
    import tomlkit

    document = tomlkit.parse(text)
    for key, value in values.items():
        if value is None:
            at, item = next(((at, item) for at, (name, item) in enumerate(document.body) if name == key), (0, None))
            document.pop(key, None)
            if item is not None and item.trivia.comment:
                document.body[at] = (None, tomlkit.items.Comment(tomlkit.items.Trivia(comment=item.trivia.comment)))
        elif key not in document or document[key] != value:
            document[key] = value
    told = tomlkit.dumps(document)
    return re.sub(r"(?<!\r)\n", "\r\n", told) if "\r\n" in text else told


def change_settings(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Settings with `changes` (names of fields, values as config.toml has them), checked and saved. Raises Invalid, NotFound."""
    values = dict(changes)
    if "vault" in values:
        values["vault"] = str(vault_folder(values["vault"]))
    if isinstance(names := values.get("exclude"), list):
        values["exclude"] = [name for name in names if str(name).strip()]
    if (folder := values.get("base_model")) and folder != "seedling":
        path = expanded(folder)
        refuse_gguf(path)
        if not path.is_dir() and not is_hub_id(folder):
            raise NotFound(f"There is no base model {folder!r}.", "Name a folder, a hub id such as Qwen/Qwen3-0.6B, or seedling.")
        values["base_model"] = str(path.absolute()) if path.is_dir() else folder
    try:
        wanted = _checked(values, settings.config_path)
    except Invalid as error:  # the file is as it was: what was asked for is wrong
        raise Invalid(f"That cannot be kept: {'; '.join(error.problems)}", "Nothing was changed.", error.problems) from error
    with _alone(settings.home):  # another tab or program may have changed something else since these settings were read
        if settings.config_path.exists():
            settings = load_settings(settings.home)
        changed = replace(settings, **wanted)
        save_settings(changed)
    return changed


_CHANGING = threading.Lock()
_LONGEST = 100  # tries, in five seconds; a change takes milliseconds, so that a disk on which there is no lock then knows of none


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One change at a time, of all threads and processes."""
    try:
        private(home)
        file = (home / "config.lock").open("ab", buffering=0)
    except OSError as error:
        raise _unwritable(home, error) from error
    with _CHANGING, file:
        taken(file, _LONGEST)
        yield


def is_hub_id(name: str) -> bool:
    """Can it be one: an owner and a name, with or without @revision?"""
    return bool(_HUB_ID.fullmatch(name.partition("@")[0]))


def refuse_gguf(path: Path) -> None:
    """Raises Invalid where a base is named that other programs can run and nobody can train."""
    if path.is_dir():
        found = not (path / "config.json").exists() and any(item.suffix.lower() == ".gguf" for item in path.iterdir())
    else:
        found = path.suffix.lower() == ".gguf" and path.is_file()
    if found:
        raise Invalid(
            f"{path} {'holds only GGUF files' if path.is_dir() else 'is a GGUF file'}: a base has to be a folder in Hugging Face format.",
            "To train, name the model that it was made from. To write with it, serve it (llama.cpp, Ollama, LM Studio) and set engine_url"
            " in config.toml: docs/serving.md.",
        )


def vault_folder(given: str) -> Path:
    """The absolute path of an existing folder."""
    hint = "Give the folder that holds your notes (the one with .obsidian in it)."
    if not given.strip() or "\x00" in given:
        raise Invalid("The path of the vault is empty.", hint)
    try:
        vault = Path(given).expanduser().absolute()
        vault = vault.resolve() if ".." in vault.parts else vault  # a link that is named stays: it may lead elsewhere one day
    except RuntimeError as error:  # ~somebody who does not exist
        raise NotFound(f"There is no folder {given}.", hint) from error
    if not vault.is_dir():
        raise NotFound(f"{vault} is a file, not a folder." if vault.exists() else f"There is no folder {vault}.", hint)
    if vault.name == ".obsidian":
        raise Invalid(f"{vault} holds Obsidian's settings, no notes.", f"Give the folder that it lies in: {vault.parent}")
    try:
        str(vault).encode()
    except UnicodeEncodeError:
        raise Invalid(f"The path {str(vault)!r} is not valid UTF-8, so it cannot be remembered.", "Rename the folder.") from None
    return vault


def output_file(given: Path | None, settings: Settings, *, default: Path | None = None) -> Path:
    """The file that a command may write: `default` where none is given, else what is given, if that replaces nothing of the person's.

    Raises what `keep_out` does, `default` excepted; NotFound where its folder does not exist; Invalid for what is there and no file.
    """
    if given is None:
        assert default is not None
        return default
    path = expanded(given).absolute()
    if default is not None and path == default.absolute():
        return path
    keep_out(path, settings)
    if not path.parent.is_dir():
        raise NotFound(f"There is no folder {path.parent}.", "Make it first, or name a file in another folder.")
    if path.exists() and not path.is_file():  # a device or a pipe would be replaced by a file
        raise Invalid(f"{path} is not a file.", "Name a new file, or one to replace.")
    return path


def keep_out(path: Path, settings: Settings) -> None:
    """Raises Invalid for a place in a vault (the configured one, or any folder with .obsidian in it) or in the home, also where a symbolic
    link leads there."""
    try:
        places = {path.resolve(), path.parent.resolve() / path.name}  # a link, and what it points at
    except (OSError, RuntimeError) as error:
        raise Invalid(f"{path} goes through a symbolic link that leads nowhere.", "Name another place.") from error
    for folder in (folder for place in places for folder in place.parents):
        if _same(folder, settings.home):
            raise Invalid(f"{path} lies in the library's folder {settings.home}.", "Name a place outside of it.")
        if _same(folder, settings.vault) or (folder / ".obsidian").is_dir():
            raise Invalid(f"{path} lies in the vault {folder}, where only notes belong.", "Name a place outside of the vault.")


def _same(folder: Path, other: Path | None) -> bool:
    """Whether both are one folder, however its name is written."""
    try:
        return other is not None and folder.samefile(other)
    except OSError:
        return False
