"""How often `language_of` is right, cannot tell, and is wrong: the translated messages of Django, by their length.

    pip download --no-deps --dest build/django django==5.1 && python benchmarks/languages.py build/django/*.whl [--languages de,fr]

Messages of four words or more, without their placeholders and tags; each once. Chinese and Japanese have no words and count as of 8 to 14.
"""

from __future__ import annotations

import argparse
import gettext
import re
import time
import zipfile
from collections import Counter
from pathlib import Path

from notewright.language import NAMES, language_of

LOCALES = {"no": "nb", "zh": "zh_Hans"}  # by another name than ours
HELD_OUT = re.compile(r"%\(\w+\)s|%[sd]|%%|\{\w*\}|<[^>]+>|&\w+;")
LENGTHS = ((4, 8), (8, 15), (15, 1000))  # words


def messages(wheel: zipfile.ZipFile, language: str) -> list[str]:
    """In a language; English ones are what the German translations are of."""
    locale = LOCALES.get(language, "de" if language == "en" else language)
    found = set()
    for name in wheel.namelist():
        if name.endswith(f"/locale/{locale}/LC_MESSAGES/django.mo"):
            with wheel.open(name) as file:
                catalog = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
            for key, said in catalog.items():
                if not key:  # the catalog's own header
                    continue
                said = (key if isinstance(key, str) else key[0]) if language == "en" else said
                found.add(" ".join(HELD_OUT.sub(" ", said.rpartition("\x04")[2]).split()))
    return sorted(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--languages", default=",".join(NAMES), help="of these messages (default: of all that are known)")
    options = parser.parse_args()
    with zipfile.ZipFile(options.wheel) as wheel:
        said = {language: messages(wheel, language) for language in options.languages.split(",")}
    language_of("The model is loaded.")
    for least, most in LENGTHS:
        whole, begun = Counter[str](), time.perf_counter()
        wrong = Counter[str]()
        for language, texts in said.items():
            for text in texts:
                words = 8 if language in ("ja", "zh") and len(text) >= 8 else len(text.split())
                if least <= words < most:
                    told = language_of(text)
                    whole["right" if told == language else "wrong" if told else "not told"] += 1
                    wrong[f"{language} as {told}"] += bool(told and told != language)
        each = 1e6 * (time.perf_counter() - begun) / whole.total()
        shares = ", ".join(f"{key} {100 * whole[key] / whole.total():.1f} %" for key in ("right", "not told", "wrong"))
        print(f"{least} to {most - 1} words, {whole.total()} messages: {shares}; {each:.0f} us each; {dict(+wrong)}")


if __name__ == "__main__":
    main()
