"""How quick the studio is: the page in Chromium, from a key to what stands on the screen, on the seedling.

    python benchmarks/studio.py [--times 12]

One warm `notewright serve` on the bundled sample, a fresh browser profile. Page load: from the navigation until the search box can be used,
with an empty cache and then with a filled one; bytes as they travel, and compressed with gzip. First text: from the key `g` until a letter
of a candidate stands on a card, while the next chapter is being prepared as well, as the page does by default. Ranking: from the key until
its place stands on the card; and from sending a whole ranking until candidates come in the order that was learnt from it. Prints a table
and writes `benchmarks/results/studio.json`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Browser, Page, sync_playwright
from serving import prepare, summary

RESULTS = Path(__file__).resolve().parent / "results" / "studio.json"
AIMS = {"load_s": 1.0, "gzip_kB": 300, "first_text_s": 0.5, "ranking_s": 0.2}
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
WATCH = """(selector) => {
  window.shown = new Promise((resolve, reject) => {
    const filled = () => [...document.querySelectorAll(selector)].some((one) => one.textContent.trim());
    const look = (now) => filled() ? resolve(now) : requestAnimationFrame(look);
    const pressed = (event) => { window.pressed = event.timeStamp; requestAnimationFrame(look); };
    addEventListener("keydown", pressed, { once: true, capture: true });
    setTimeout(() => reject(new Error(`nothing stands in ${selector}`)), 30000);
  });
}"""


def load(page: Page, address: str) -> tuple[float, int]:
    """(Seconds until the search box can be used, bytes that travelled)."""
    began = time.perf_counter()
    page.goto(address + "/draft")
    page.get_by_role("combobox").wait_for()
    took = time.perf_counter() - began
    page.wait_for_timeout(300)
    kinds = "performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))"
    return took, page.evaluate(f"() => {kinds}.reduce((sum, one) => sum + one.transferSize, 0)")


def packed(page: Page) -> int:
    """Bytes of the page, its scripts and styles, each compressed with gzip."""
    names = page.evaluate("() => performance.getEntriesByType('resource').map((one) => one.name)")
    files = [page.url, *(name for name in names if "/assets/" in name)]
    return sum(len(gzip.compress(page.request.get(address).body())) for address in files)


def first_loads(browser: Browser, link: str, address: str) -> tuple[float, float, int, int]:
    """Seconds with an empty cache and with a filled one; bytes that travelled, and compressed."""
    with browser.new_context() as context:
        page = context.new_page()
        page.request.get(link)
        cold, travelled = load(page, address)
        return cold, load(page, address)[0], travelled, packed(page)


def first_text(page: Page) -> float:
    page.get_by_role("button", name=re.compile("^Write")).wait_for()
    page.locator("main").click(position={"x": 2, "y": 2})
    page.evaluate(WATCH, ".card .reading")
    page.keyboard.press("g")
    page.wait_for_function("() => window.pressed")
    return page.evaluate("async () => (await window.shown) - window.pressed") / 1000


def rank(page: Page) -> tuple[float, float]:
    """(Seconds until the first place stands on its card, until the server has the whole ranking and gives a batch as it orders it then)."""
    page.evaluate(WATCH, ".card:first-child .place")
    order = "async (batch) => { await fetch(`/api/batches/${batch}?order=now`); return performance.now(); }"
    with page.expect_response(re.compile("/ranking$|/decisions$")):
        for number in range(1, page.locator(".card").count() + 1):
            page.keyboard.press(str(number))
        begun = page.evaluate("() => performance.now()")
        page.keyboard.press("Enter")  # kept by itself 0.7 s after the last key; this asks for it at once
    now = page.evaluate(order, re.search("batch=([^&]*)", page.url).group(1))
    place = page.evaluate("async () => (await window.shown) - window.pressed")
    return place / 1000, (now - begun) / 1000


def measure(page: Page, address: str, token: str, times: int) -> dict[str, list[float]]:
    ask = lambda path: page.request.get(address + path, headers={"authorization": f"Bearer {token}"}).json()  # noqa: E731
    while ask("/api/status")["waiting"]:
        time.sleep(0.2)
    chapters = ask("/api/queue?limit=200")["chapters"][::-1]  # the page prepares from the other end
    rows: dict[str, list[float]] = {"first_text": [], "place": [], "ranking": []}
    for chapter in chapters[:times]:
        page.goto(f"{address}/draft?" + urlencode({"source": chapter["source_id"], "chapter": chapter["chapter"]}))
        page.get_by_role("list", name="Highlights").get_by_role("listitem").first.wait_for()
        rows["first_text"].append(first_text(page))
        page.wait_for_url(re.compile("batch="), timeout=120_000)
        page.wait_for_function("() => document.querySelectorAll('.card .badge:not(:disabled)').length >= 1")
        page.wait_for_timeout(400)  # the next chapter is begun
        place, ranking = rank(page)
        rows["place"].append(place)
        rows["ranking"].append(ranking)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=12)
    options = parser.parse_args()
    names = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell")
    chromium = next(path for name in names if (path := shutil.which(name)))
    with tempfile.TemporaryDirectory() as folder:
        settings = prepare(Path(folder))
        command = [sys.executable, "-m", "notewright.cli", "--home", str(settings.home), "serve", "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as driver:
            assert server.stdout is not None
            link = next(line.strip() for line in server.stdout if "/login?token=" in line)
            address, _, token = link.partition("/login?token=")
            browser = driver.chromium.launch(executable_path=chromium, args=FLAGS)
            try:
                loads = [first_loads(browser, link, address) for _ in range(5)]
                page = browser.new_page(viewport={"width": 1360, "height": 900})
                page.goto(link)
                rows = measure(page, address, token, options.times)
            finally:
                browser.close()
                server.terminate()
    cold, warm, travelled, gzipped = zip(*loads, strict=True)
    names = {
        "load_cold": "page load, empty cache", "load_warm": "page load again", "first_text": "key to first text on screen",
        "place": "key to its place on the card", "ranking": "ranking to new order",
    }  # fmt: skip
    result = {name: summary(values) for name, values in {"load_cold": cold, "load_warm": warm, **rows}.items()}
    size = {"travelled_kB": round(max(travelled) / 1000, 1), "gzip_kB": round(max(gzipped) / 1000, 1)}
    load_now = [round(value, 1) for value in os.getloadavg()]
    RESULTS.write_text(json.dumps({"aims": AIMS, "rows": result, "page": size, "cores": os.cpu_count(), "load": load_now}, indent=1) + "\n")
    for name, words in names.items():
        row = result[name]
        print(f"{words:<34} {row['median']:>7.3f} s median  {row['p95']:>7.3f} s p95  ({row['times']})")
    print(size, "largest first text", round(max(rows["first_text"]), 3), "median", round(statistics.median(rows["first_text"]), 3))


if __name__ == "__main__":
    main()
