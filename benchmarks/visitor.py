"""Milliseconds from a drop on the page to the painted verdict, in headless Chromium: python -m benchmarks.visitor

Every model of both tabs reads the tab's examples in turn, dropped as files; the clock stops at the second frame after
the card has changed. Writes ``visitor.md``. The app and the browser share this machine's processors.
"""

import argparse
import base64
import os
import shutil
from itertools import cycle, islice
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from overread.catalogue import catalogue
from tests.support.running_app import running_app
from ui.examples import examples

RESULT = Path(__file__).with_suffix(".md")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DROP = """([name, text]) => new Promise((resolve) => {
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name));
  const bench = [...document.querySelectorAll(".workbench")].find((one) => one.offsetParent);
  const place = bench.querySelector(".verdict-place");
  const started = performance.now();
  new MutationObserver((_, observer) => {
    if (!place.querySelector(".decision")) return;
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - started)));
  }).observe(place, { childList: true, subtree: true });
  document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data }));
})"""


def main() -> None:
    """Measure, print the table and write it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30, help="drops per model that are measured, after three others")
    options = parser.parse_args()
    rows = ["| Model | Median, ms | 95 % of the drops, ms |", "|---|---|---|"]
    with TemporaryDirectory() as made, running_app(Path(made) / "log") as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for entry in catalogue().values():
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            page.goto(f"{address}/?tab={entry.domain}&model={entry.name}")
            page.locator(".workbench:visible .verdict .decision").wait_for()
            taken = []
            for example in islice(cycle(examples(entry.domain)), options.rounds + 3):
                file = Path(example.path)
                taken.append(page.evaluate(DROP, [file.name, base64.b64encode(file.read_bytes()).decode()]))
                page.wait_for_timeout(100)  # the picture is drawn
            page.close()
            taken = taken[3:]
            rows.append(f"| {entry.name} | {median(taken):.0f} | {quantiles(taken, n=20)[-1]:.0f} |")
        browser.close()
    text = "\n".join(
        [
            "# From a drop to the painted verdict",
            "",
            f"Written by `python -m benchmarks.visitor`: headless Chromium, {options.rounds} drops per model, "
            f"{os.cpu_count()} CPUs for app and browser together.",
            "",
            *rows,
        ]
    )
    print(text)
    RESULT.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
