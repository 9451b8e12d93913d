"""Render `content/` into `data/`: run `python -m notewright.sample.build`.

The same content gives the same text everywhere: times and ids are derived from file numbers. `render_all` returns the whole tree as
a mapping, `write_tree` makes a folder equal to it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from ..errors import Invalid
from .exports import render_api, render_csv, render_export
from .figures import draw_figure
from .person import render_note, render_section
from .read import CONTENT, DATA, FOLDERS, Source, load_sources


def vault_settings(sources: list[Source]) -> dict[str, Any]:
    types = {"aliases": "aliases", "cssclasses": "multitext", "tags": "tags", "type": "text", "author": "text"}
    types |= {"rating": "number", "date": "date", "due": "date", "done": "checkbox"}
    ids = {f"Readwise/{FOLDERS[source.category]}/{source.file_name}": str(source.id) for source in sources}
    return {
        "app.json": {"attachmentFolderPath": "Assets", "newLinkFormat": "shortest", "useMarkdownLinks": False},
        "types.json": {"types": types},
        "plugins/readwise-official/data.json": {"readwiseDir": "Readwise", "booksIDsMap": ids},
    }


def render_all(content: Path = CONTENT) -> dict[str, bytes]:
    """The whole `data/` tree: path with forward slashes -> bytes."""
    sources = load_sources(content)
    tree: dict[str, bytes] = {
        "readwise.csv": render_csv(sources).encode(),
        "readwise-api.json": render_api(sources).encode(),
    }
    for name, value in vault_settings(sources).items():
        tree[f"vault/.obsidian/{name}"] = (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()
    for source in sources:
        folder = FOLDERS[source.category]
        export = render_export(source).encode()
        tree[f"Readwise/{folder}/{source.file_name}"] = export
        tree[f"vault/Readwise/{folder}/{source.file_name}"] = export
        if source.note != "none":
            tree[f"vault/Notes/{folder}/{source.file_name}"] = render_note(source).encode()
        if source.note == "finished":
            for item in source.highlights:
                if item.image:
                    tree[f"vault/Assets/{item.image}"] = draw_figure(item.image)
    for path in sorted((content / "unrelated").glob("*.md")):
        tree["vault/" + path.name.replace("__", "/")] = path.read_bytes()
    return dict(sorted(tree.items()))


def write_tree(tree: dict[str, bytes], target: Path) -> None:
    """Make `target` hold exactly this tree; what was there before goes."""
    if target.exists():
        shutil.rmtree(target)
    for name, body in tree.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def summarise(sources: list[Source], content: Path = CONTENT) -> str:
    finished = [source for source in sources if source.note == "finished"]
    highlights = [item for source in sources for item in source.highlights]
    annotated = sum(bool(item.annotation) for item in highlights)
    passages = [render_section(source, chapter) for source in finished for chapter in source.chapters]
    words = sorted(len(passage.split()) for passage in passages) or [0]
    return "\n".join(
        [
            f"sources          {len(sources)} ({len(finished)} finished)",
            f"highlights       {len(highlights)} (+ {sum(len(source.chapters) for source in sources)} chapter headings)",
            f"annotated        {annotated} ({annotated / len(highlights):.0%})",
            f"passages         {len(passages)} ({words[0]} to {words[-1]} words, middle {words[len(words) // 2]})",
            f"unrelated notes  {len(list((content / 'unrelated').glob('*.md')))}",
        ]
    )


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m notewright.sample.build", description="Build the bundled sample.")
    parser.add_argument("--content", type=Path, default=CONTENT, help="folder with the sources")
    parser.add_argument("--out", type=Path, default=DATA, help="folder to build, replaced as a whole")
    options = parser.parse_args(argv)
    try:
        tree = render_all(options.content)
    except Invalid as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        print(f"{error.message} {error.hint}", file=sys.stderr)
        return 1
    write_tree(tree, options.out)
    print(summarise(load_sources(options.content), options.content))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
