"""Pictures of every golden file beside what the preview makes of it, to be looked at: `python tests/vault/pictures.py FOLDER`.

Sheets of six, as PNG, made in Chromium (playwright). No test: what looks right is for eyes to say.
"""

from __future__ import annotations

import sys
from base64 import b64encode
from html import escape
from pathlib import Path

from notewright.vault import page, render

GOLDEN = Path(__file__).parent / "golden"
ON_A_SHEET = 6
FIT = "document.querySelectorAll('iframe').forEach(f => f.height = f.contentDocument.documentElement.scrollHeight + 4)"
STYLE = """<style>body { margin: 0; font: 12px/1.4 monospace; background: #fff }
section { display: grid; grid-template-columns: 36em 1fr; gap: 1em; border-bottom: 2px solid #888; padding: 6px }
h2 { grid-column: 1 / 3; margin: 0 } 
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }
iframe { border: 1px solid #ccc; width: 100% }
</style>"""


PICTURE = (
    "data:image/svg+xml;base64,"
    + b64encode(
        b"<svg xmlns='http://www.w3.org/2000/svg' width='240' height='80'>"
        b"<rect width='240' height='80' fill='#9cc'/><circle cx='40' cy='40' r='30'/></svg>"
    ).decode()
)
NOTE = b"# Note\n\nOf the note.\n\n## H\n\nUnder H.\n\nA block. ^id\n"


class Everything:
    """A vault that has every file: one note, and one picture."""

    def find(self, target: str, note_path: str) -> str:
        return target if "." in target else f"{target}.md"

    def read(self, path: str) -> bytes:
        return NOTE


def section(file: Path) -> str:
    """One golden file: its bytes, invalid ones as U+FFFD, and its page."""
    text = file.read_bytes().decode("utf-8", errors="replace")
    shown = page(render(file.read_bytes(), note_path=file.name, resolver=Everything(), attachment_url=lambda _: PICTURE), title=file.stem)
    return f"<section><h2>{file.stem}</h2><pre>{escape(text)}</pre><iframe srcdoc='{escape(shown)}'></iframe></section>"


def main(folder: Path) -> None:
    from playwright.sync_api import sync_playwright

    from walks import CHROMIUM, FLAGS

    files = sorted(GOLDEN.glob("*.md"))
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        sheet = browser.new_page(viewport={"width": 1300, "height": 900})
        for number in range(0, len(files), ON_A_SHEET):
            sheet.set_content(STYLE + "".join(map(section, files[number : number + ON_A_SHEET])))
            sheet.wait_for_timeout(500)  # the pictures in the frames
            sheet.evaluate(FIT)
            sheet.screenshot(path=folder / f"golden-{number // ON_A_SHEET + 1}.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    main(Path(sys.argv[1]))
