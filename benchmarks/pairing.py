"""How well pairing finds which highlights became which note: precision and recall on real vaults and on the bundled sample.

    python benchmarks/pairing.py [--vaults FOLDER] [--show N] [--embeddings]

`--vaults` holds vault folders with `truth*.jsonl` files beside the notes (labels made from links, URLs and quotations, so recall of
paraphrases cannot be measured with them). Rows by level:

- source-note, links: does the best source by ids, links and titles agree with the labels (no text compared)?
- source-note, pairs: the same from the proposed pairs, for the labels that say a highlight is quoted
- source-note, first: the best source of each labelled note, by links and pairs together (R@1)
- highlight-note: recall of labelled quotations; precision counts as wrong every proposal about a labelled highlight that has no label,
  although part of those are shorter quotations that the labels leave out (`--show` lists them)
- highlight-note, quotations of 60 % and more: what the labels are able to judge. They say that at least 60 % of the highlight's 5-word
  runs stand in the note. Precision: of the proposals that say themselves to quote 60 % of the words or more, how many are labelled.
  Recall: over the labels whose words stand outside of lists of sources and titles of linked notes, and whose highlight was imported at all
- calibration: every candidate about a labelled highlight, likely or not, that claims to quote 60 % of the words or more, or none: mean
  score, share labelled, and expected calibration error (ten bins). Labels cannot say that a paraphrase is right, so it counts as wrong
- shorter quotations: proposals that quote less, which no label can confirm; `checked` is the share in which the note has six words in a
  row of the highlight, looked up independently of the pairing

Writes benchmarks/results/pairing.json and prints the table.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from notewright.importers.markdown_file import read_markdown_file
from notewright.importers.vault import import_vault
from notewright.library import Library
from notewright.pairing import all_candidates, pair, source_links
from notewright.records import Highlight, Source
from notewright.settings import Settings
from notewright.text import normalise

HERE = Path(__file__).resolve().parent
SAMPLE = HERE.parent / "src" / "notewright" / "sample" / "data"
MEANING = {"embeddings": False}


@dataclass(frozen=True)
class Score:
    """Counts of one comparison. Recall may be taken over fewer labels than precision."""

    hits: int
    proposed: int
    expected: int
    recall_of: int = 0
    recalled: int = 0

    @property
    def precision(self) -> float:
        return self.hits / self.proposed if self.proposed else 1.0

    @property
    def recall(self) -> float:
        if self.recall_of:
            return self.recalled / self.recall_of
        return self.hits / self.expected if self.expected else 1.0

    def table(self) -> dict[str, float]:
        return {
            "precision": round(self.precision, 4), "recall": round(self.recall, 4), "hits": self.hits, "proposed": self.proposed,
            "expected": self.expected,
        }  # fmt: skip


LINK_SECTION = re.compile(r"^#+ *(?:Sources?|References?|Links)\b.*?(?=^#|\Z)", re.MULTILINE | re.DOTALL | re.IGNORECASE)
REASONS: dict[tuple[str, ...], str] = {}


def compare(proposed: Iterable[tuple[str, ...]], expected: Iterable[tuple[str, ...]], name: str, show: int) -> Score:
    found, wanted = set(proposed), set(expected)
    for kind, items in (("not labelled", found - wanted), ("missed", wanted - found)):
        for item in sorted(items)[:show]:
            print(f"  {name} {kind}: " + " | ".join(part[-60:] for part in item) + REASONS.get(item, ""))
    return Score(len(found & wanted), len(found), len(wanted))


def rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def sources_from(vault: Path, files: Iterable[str], labels: list[dict[str, str]]) -> list[Source]:
    """The highlight files as the importer reads them; one that it takes for no export is stood in for by its labelled highlights."""
    texts: dict[str, list[str]] = defaultdict(list)
    for row in labels:
        if row["highlight_text"] not in texts[row["highlight_file"]]:
            texts[row["highlight_file"]].append(row["highlight_text"])
    sources = []
    for name in sorted(files):
        path = vault / name
        read = read_markdown_file(path.read_text("utf-8"), stem=path.stem, folder=path.parent.name).source
        if read is None or not read.highlights:
            print(f"  not read as an export: {name}")
            read = Source(title=path.stem, highlights=tuple(Highlight(text=text) for text in texts[name]))
        sources.append(replace(read, outside_ids=(*(item for item in read.outside_ids if not item.startswith("file:")), f"file:{name}")))
    return sources


QUOTES = re.compile(r"quotes (?:all (\d+)|(\d+) of (\d+)) words")


def claimed(library: Library, texts: dict[str, set[str]], vault: Path) -> tuple[set[tuple[str, ...]], dict[tuple[str, str], bool]]:
    """Proposals that say to quote 60 % or more, as labels; and the others that quote, with whether six words in a row are there."""
    claims: set[tuple[str, ...]] = set()
    shorter: dict[tuple[str, str], bool] = {}
    for item in library.pairs.all():
        for link in item.links:
            said = QUOTES.search(link.evidence)
            if not texts[link.highlight_id] or not said:
                continue
            if said[1] or int(said[2]) >= 0.6 * int(said[3]):
                claims |= {(item.note_path, text) for text in texts[link.highlight_id]}
            else:
                words = flat(library.sources.highlight(link.highlight_id).text).split()
                note = flat((vault / item.note_path).read_text("utf-8"))
                shorter[item.note_path, link.highlight_id] = any(
                    " ".join(words[at : at + 6]) in note for at in range(max(1, len(words) - 5))
                )
    return claims, shorter


def calibration(library: Library, texts: dict[str, set[str]], expected: set[tuple[str, ...]]) -> dict[str, float]:
    scored = []
    for passages, item in all_candidates(library, **MEANING):
        said = QUOTES.search("; ".join(item.evidence))
        if texts[item.highlight.id] and not item.sure and (not said or said[1] or int(said[2]) >= 0.6 * int(said[3])):
            path = passages[item.passage].note_path
            scored.append((item.score, any((path, text) in expected for text in texts[item.highlight.id])))
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for score, right in scored:
        bins[min(9, int(score * 10))].append((score, right))
    error = sum(abs(sum(score - right for score, right in group)) for group in bins.values()) / max(1, len(scored))
    middle = [(score, right) for score, right in scored if 0.2 <= score < 0.5]
    return {
        "candidates": len(scored), "mean score": round(sum(score for score, _ in scored) / max(1, len(scored)), 4),
        "share right": round(sum(right for _, right in scored) / max(1, len(scored)), 4), "error": round(error, 4),
        "of 0.2 to 0.5": len(middle), "mean": round(sum(score for score, _ in middle) / max(1, len(middle)), 4),
        "right": round(sum(right for _, right in middle) / max(1, len(middle)), 4),
    }  # fmt: skip


def labels_of(highlight: Highlight, labels: list[str]) -> set[str]:
    """The labels that are this highlight or its annotation (they may carry the place or tags around the words)."""
    found = set()
    for words in filter(None, map(flat, (highlight.text, highlight.annotation))):
        for label in labels:
            shorter, longer = sorted((words, flat(label)), key=len)
            if shorter in longer and (len(shorter) >= 0.6 * len(longer) or flat(label) == shorter):
                found.add(normalise(label))
    return found


def flat(text: str) -> str:
    return " ".join(re.findall(r"\w+", normalise(text)))


def outside_links(vault: Path, label: dict[str, str]) -> bool:
    """Do the label's words stand in the note's own text, not only in its list of sources or in the titles of notes it links to?"""
    text = LINK_SECTION.sub("", (vault / label["note_file"]).read_text("utf-8"))
    note = set(shingles(re.sub(r"\[\[[^\]|]*\]\]", " ", text)))
    wanted = shingles(re.sub(r"\[\[[^\]|]*\]\]", " ", label["highlight_text"])) or shingles(label["highlight_text"])
    return sum(1 for item in wanted if item in note) >= 0.5 * max(1, len(wanted))


def shingles(text: str) -> list[str]:
    words = re.findall(r"\w+", normalise(text))
    return [" ".join(words[at : at + 5]) for at in range(len(words) - 4)] or [" ".join(words)]


def real_vault(vault: Path, pair_file: str, highlight_file: str, exclude: tuple[str, ...], show: int) -> dict[str, dict[str, float]]:
    files, labels = rows(vault / pair_file), rows(vault / highlight_file)
    sources = sources_from(vault, {row["highlight_file"] for row in files + labels}, labels)
    with tempfile.TemporaryDirectory() as home, Library.create(Path(home)) as library:
        library.sources.upsert(sources, origin="markdown", complete=True)
        import_vault(library, settings=Settings(home=Path(home), vault=vault, exclude=exclude))
        started = time.perf_counter()
        pair(library, **MEANING)
        seconds = time.perf_counter() - started
        outside = {source.id: next(item for item in source.outside_ids if item.startswith("file:"))[5:] for source in library.sources.all()}
        by_file: dict[str, list[str]] = defaultdict(list)
        for row in labels:
            by_file[row["highlight_file"]].append(row["highlight_text"])
        texts = {item.id: labels_of(item, by_file[outside[key]]) for key in outside for item in library.sources.highlights(key)}
        lost = {normalise(row["highlight_text"]) for row in labels} - {text for found in texts.values() for text in found}
        for text in sorted(lost)[:show]:
            print(f"  labelled but not imported: {text}")
        notes = {note.id: note.path for note in library.notes.all()}
        pairs = library.pairs.all()
        wanted = {(row["note_file"], row["highlight_file"]) for row in files}
        labelled = {note for note, _ in wanted}
        best: dict[str, str] = {}
        for link in source_links(library):
            if notes[link.note_id] in labelled:
                best.setdefault(notes[link.note_id], outside[link.source_id])
        paired = {(item.note_path, outside[item.source_id]) for item in pairs}
        for item in pairs:
            reason = max(item.links, key=lambda link: link.score)
            REASONS[(item.note_path, outside[item.source_id])] = f" [{reason.method} {reason.score} {reason.evidence}]"
        quoted = {(row["note_file"], row["highlight_file"]) for row in files if int(row["quoted"]) > 0}
        expected = {(row["note_file"], normalise(row["highlight_text"])) for row in labels}
        proposed = set()
        right, decided = set(), set()
        for item in pairs:
            for link in item.links:
                mine = {(item.note_path, text) for text in texts[link.highlight_id]}
                proposed |= mine
                decided |= {(item.note_path, link.highlight_id)} if mine else set()
                right |= {(item.note_path, link.highlight_id)} if mine & expected else set()
                for key in mine:
                    REASONS[key] = f" [{link.method} {link.score} {link.evidence}]"
        compare(proposed, expected, "highlight", show)
        claims, shorter = claimed(library, texts, vault)
        ranked: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for found in source_links(library):
            ranked[notes[found.note_id]][outside[found.source_id]] += found.score
        for item in pairs:
            ranked[item.note_path][outside[item.source_id]] += sum(link.score for link in item.links)
        first = {note: max(ranked[note].items(), key=lambda item: item[1])[0] for note in labelled if ranked[note]}
        in_text = {(row["note_file"], normalise(row["highlight_text"])) for row in labels if outside_links(vault, row)}
        for item in sorted(in_text - proposed)[:show]:
            print("  in the text but missed: " + " | ".join(item))
        imported = {item for item in in_text if item[1] not in lost}
        unlabelled = {note.path for note in library.notes.all()} - labelled - {row["note_file"] for row in labels}
        alone = len(unlabelled - {item.note_path for item in pairs})
        return {
            "source-note, first (R@1)": Score(sum(1 for item in first.items() if item in wanted), len(first), len(labelled)).table(),
            "highlight-note, quotations of 60 % and more": Score(
                len(claims & expected), len(claims), len(imported), len(imported), len(imported & proposed)
            ).table(),
            "shorter quotations": {"proposals": len(shorter), "checked": round(sum(shorter.values()) / max(1, len(shorter)), 4)},
            "calibration": calibration(library, texts, expected),
            "source-note, links (best one)": Score(sum(1 for item in best.items() if item in wanted), len(best), len(labelled)).table(),
            "source-note, pairs (recall of quoted)": replace(
                compare(paired, wanted, "source", show), recall_of=len(quoted), recalled=len(quoted & paired)
            ).table(),
            "highlight-note": Score(len(right), len(decided), len(expected), len(expected), len(expected & proposed)).table(),
            "highlight-note, labels not only in links": Score(
                len(right), len(decided), len(in_text), len(in_text), len(in_text & proposed)
            ).table(),
            "notes without a source left alone": {"share": round(alone / max(1, len(unlabelled)), 4), "notes": len(unlabelled)},
            "all": {"seconds": round(seconds, 2), "highlights": len(texts), "notes": len(notes), "labelled highlights lost": len(lost)},
        }  # fmt: skip


def sample(show: int) -> dict[str, dict[str, float]]:
    """The bundled sample: the person's passage on a chapter was written from its annotated and favourite highlights."""
    from notewright.importers.api_export import read_book

    books = json.loads((SAMPLE / "readwise-api.json").read_text(encoding="utf-8"))
    listed = books["results"] if isinstance(books, dict) else books
    with tempfile.TemporaryDirectory() as home, Library.create(Path(home)) as library:
        library.sources.upsert([read_book(book, []) for book in listed], origin="api", complete=True)
        import_vault(library, settings=Settings(home=Path(home), vault=SAMPLE / "vault"))
        pair(library, **MEANING)
        wanted, every = set(), set()
        headings = {(item.note_path, item.headings[-1]) for item in library.notes.passages() if item.headings}
        notes = {link.source_id: note.path for link in source_links(library) for note in library.notes.all() if note.id == link.note_id}
        for source in library.sources.all():
            for item in library.sources.highlights(source.id):
                every.add(item.id)
                used = (item.annotation or item.is_favorite) and not item.is_discard
                if used and (notes.get(source.id, ""), item.chapter) in headings:
                    wanted.add((notes[source.id], item.chapter, source.title, item.text))
        titles = {source.id: source.title for source in library.sources.all()}
        texts = {key: library.sources.highlight(key).text for key in every}
        pairs = library.pairs.all()
        proposed = set()
        for item in pairs:
            for link in item.links:
                key = (item.note_path, item.headings[-1], titles[item.source_id], texts[link.highlight_id])
                proposed.add(key)
                REASONS[key] = f" [{link.method} {link.score} {link.evidence}]"
        unrelated = [note.path for note in library.notes.all() if not note.path.startswith("Notes/")]
        alone = len(set(unrelated) - {item.note_path for item in pairs})
        return {
            "source-note, pairs": compare(
                {(item[0], item[2]) for item in proposed}, {(item[0], item[2]) for item in wanted}, "source", show
            ).table(),
            "highlight-passage": compare(proposed, wanted, "highlight", show).table(),
            "notes without a source left alone": {"share": round(alone / max(1, len(unrelated)), 4), "notes": len(unrelated)},
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vaults", type=Path, default=HERE.parent.parent / "shared" / "data" / "vaults")
    parser.add_argument("--show", type=int, default=0, help="list this many disagreements of each kind")
    parser.add_argument("--embeddings", action="store_true", help="with the extra of that name; writes pairing-embeddings.json")
    options = parser.parse_args()
    MEANING["embeddings"] = options.embeddings
    results: dict[str, dict[str, dict[str, float]]] = {}
    for vault in sorted(options.vaults.iterdir()) if options.vaults.is_dir() else []:
        for pairs, highlights in (("truth.jsonl", "truth_highlights.jsonl"), ("truth_resource.jsonl", "truth_resource_highlights.jsonl")):
            if (vault / pairs).exists():
                folders = {row["highlight_file"].rpartition("/")[0] for file in vault.glob("truth*.jsonl") for row in rows(file)}
                print(f"{vault.name} {pairs}")
                results[f"{vault.name} {pairs}"] = real_vault(vault, pairs, highlights, tuple(sorted(folders)), options.show)
    print("sample")
    results["sample"] = sample(options.show)
    print(f"\n{'data':<62}{'level':<36}{'precision':>10}{'recall':>8}{'labels':>8}")
    for data, levels in results.items():
        for level, row in levels.items():
            if "precision" in row:
                print(f"{data:<62}{level:<36}{row['precision']:>10.3f}{row['recall']:>8.3f}{row['expected']:>8}")
            else:
                print(f"{data:<62}{level:<36}" + ", ".join(f"{name} {value}" for name, value in row.items()))
    target = HERE / "results" / ("pairing-embeddings.json" if options.embeddings else "pairing.json")
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
