"""Where a note leads, kind by kind."""

from __future__ import annotations

import pytest

from notewright.vault.links import targets
from notewright.vault.tokens import tokenize


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[Note]] [[a/b.md#H1#H2|x]] [[#Own]]", [("wikilink", "Note"), ("wikilink", "a/b.md#H1#H2"), ("wikilink", "#Own")]),
        ("| a |\n|---|\n| [[x\\|y]] |", [("wikilink", "x")]),
        ("![[p.png|300]] ![[Note#^id]]", [("embed", "p.png"), ("embed", "Note#^id")]),
        ("[t](a%20b.md 'x') [t](<c d.md>)", [("link", "a%20b.md"), ("link", "c d.md")]),
        ("[![alt](thumb.png)](https://e.org/a_(b))", [("image", "thumb.png"), ("link", "https://e.org/a_(b)")]),
        ("See https://e.org/x, <https://e.org/y> and <me@e.org>.", [("url", "https://e.org/x"), ("url", "https://e.org/y")]),
        ("[one][l]\n\n[l]: https://e.org 'T'", [("url", "https://e.org")]),
        ("[k:: [[x]]] ^[see [[y]]] %% [[z]] %%", [("wikilink", "x"), ("wikilink", "y"), ("wikilink", "z")]),
        ("---\nsource: \"[[Book]]\"\nurl: https://e.org\n---\n", [("wikilink", "Book"), ("url", "https://e.org")]),
        ("<a href=\"https://e.org/z\">t</a>", [("url", "https://e.org/z")]),
        ('{{< ref "posts/x.md" >}} {{title}}', [("template", "posts/x.md")]),
        ("`[[code]]` $[[x]]$\n\n```\n[[fence]]\n```\n", []),
        ("zotero://select/items/1", [("url", "zotero://select/items/1")]),
        ("[a](b\u00a0c.md) ![](\u2028)", [("link", "b\u00a0c.md"), ("image", "\u2028")]),
        ("<!-- " * 3000 + "[[x]] -->", [("wikilink", "x")]),
    ],
)  # fmt: skip
def test_targets(text: str, expected: list[tuple[str, str]]) -> None:
    data = text.encode()
    assert list(targets(data, tokenize(data))) == expected
