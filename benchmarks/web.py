"""Weight and speed of the page in the browser: make web && python -m benchmarks.web [--threads 1,4]

Opens web/dist in headless Chromium and writes ``web.json`` and ``web.md``: what the first answer of each tab downloads,
how long it takes with an empty cache and offline, and milliseconds per picture of each net by what runs it. WebGPU is
measured where the browser has it; where not, ``web.md`` says so.
"""

import argparse
import gzip
import json
import os
import platform
import statistics
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Request, sync_playwright

from overread.catalogue import Domain, catalogue
from tests.browser.conftest import CHROMIUM
from tests.support.static_server import served
from tests.web.visiting import answers, open_tab
from ui.domains import DOMAINS
from ui.examples import examples

HERE = Path(__file__).parent
DIST = HERE.parent / "web" / "dist"
FLAGS = ["--no-sandbox", "--enable-unsafe-webgpu"]
REPEATS = 3  # visits, and readings of each example
MB = 2**20
KEPT_BYTES = """async () => {
  const caches_ = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
  const kept = (await Promise.all(caches_.map((cache) => cache.matchAll()))).flat();
  return (await Promise.all(kept.map((response) => response.blob()))).reduce((sum, { size }) => sum + size, 0);
}"""
HAS_GPU = """async () => {
  const adapter = await navigator.gpu?.requestAdapter().catch(() => null);
  return Boolean(adapter && !adapter.info.isFallbackAdapter);
}"""  # as the page: a GPU that the processor plays is none


def first_answer(browser: Browser, address: str, domain: str) -> dict[str, float]:
    """Return what a first visit downloads until its first answer, what is kept, and how long both visits take."""
    visits = []
    for _ in range(REPEATS):
        context = browser.new_context()
        page = context.new_page()
        page.set_default_timeout(300_000)
        asked: list[str] = []
        page.on("request", partial(note, asked))
        seconds = seconds_until_answer(page, address, domain)
        data = downloaded(asked)
        page.evaluate("() => navigator.serviceWorker.ready")
        page.wait_for_function("() => navigator.serviceWorker.controller")
        kept = page.evaluate(KEPT_BYTES)
        context.set_offline(True)
        page.goto("about:blank")
        visits.append((seconds, seconds_until_answer(page, address, domain)))
        context.close()
    online, offline = (statistics.median(values) for values in zip(*visits, strict=True))
    return {
        "seconds": online,
        "seconds_offline": offline,
        "mb": sum(map(len, data)) / MB,
        "mb_gzip": sum(len(gzip.compress(one, 6)) for one in data) / MB,
        "mb_kept": kept / MB,
    }


def note(asked: list[str], request: Request) -> None:
    """Add the request's path."""
    asked.append(urlsplit(request.url).path)


def seconds_until_answer(page: Page, address: str, domain: str) -> float:
    """Return how long a visitor waits from opening the page to the answer to the first example."""
    started = time.perf_counter()
    open_tab(page, address, domain)
    return time.perf_counter() - started


def downloaded(paths: Sequence[str]) -> list[bytes]:
    """Return the content of the page's files of those addresses, each once."""
    files = [DIST / (path.lstrip("/") or "index.html") for path in dict.fromkeys(paths)]
    return [file.read_bytes() for file in files if file.is_file()]


def speed(
    browser: Browser, address: str, runner: str, nets: Sequence[str], domain: Domain
) -> dict[str, dict[str, float]]:
    """Return median milliseconds of each step by net; the address says what runs it, and the page that it does."""
    context = browser.new_context(accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(300_000)
    panel = open_tab(page, address, domain)
    assert f"({runner})" in page.locator(".runtime").inner_text(), f"asked for {runner}"
    files = [example.path for example in examples(domain)] * REPEATS
    found = {}
    for net in nets:
        panel.locator(".model").select_option(net)
        saved = answers(page, panel, files)[1:]
        steps = saved[0]["milliseconds"]
        found[net] = {step: statistics.median(one["milliseconds"][step] for one in saved) for step in steps}
    context.close()
    return found


def measure(threads: Sequence[int]) -> dict[str, Any]:
    """Return everything that the table shows."""
    found: dict[str, Any] = {"machine": platform.machine(), "first_answer": {}, "per_picture": {}}
    with served(DIST) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        found["chromium"] = browser.version
        for domain in DOMAINS:
            found["first_answer"][domain] = first_answer(browser, f"{address}/?backend=wasm", domain)
        queries = {
            f"WebAssembly, {count} thread{'s' * (count > 1)}": f"?backend=wasm&threads={count}" for count in threads
        }
        page = browser.new_page()
        page.goto(address)
        found["webgpu"] = page.evaluate(HAS_GPU)
        if found["webgpu"]:
            queries["WebGPU"] = "?backend=webgpu"
        for runner, query in queries.items():
            found["per_picture"][runner] = {}
            for domain in DOMAINS:
                nets = [entry.name for entry in catalogue().values() if entry.domain == domain and not entry.members]
                found["per_picture"][runner] |= speed(browser, f"{address}/{query}", runner, nets, domain)
        browser.close()
    return found


def table(found: dict[str, Any]) -> str:
    """Return the measurements as Markdown."""
    lines = [
        "# The page in the browser",
        "",
        "`make web && python -m benchmarks.web`: "
        f"Chromium {found['chromium']}, {os.cpu_count()} cores, {found['machine']}; the server runs there too, so that "
        f"downloads cost no time. Medians of {REPEATS} visits, and of {REPEATS} readings of each example.",
        "",
        "| First answer of | Downloads, MB | with gzip | Kept, MB | Seconds, empty cache | Seconds, offline |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {domain} | {one['mb']:.1f} | {one['mb_gzip']:.1f} | {one['mb_kept']:.1f} | {one['seconds']:.1f} | "
        f"{one['seconds_offline']:.1f} |"
        for domain, one in found["first_answer"].items()
    ]
    steps = ("decode", "guard", "lungs", "preprocess", "inference")
    lines += ["", f"| Milliseconds per picture, median | {' | '.join(steps)} | sum |", "|---" * (len(steps) + 2) + "|"]
    for runner, nets in found["per_picture"].items():
        for net, one in nets.items():
            cells = " | ".join(f"{one[step]:.0f}" for step in steps)
            lines.append(f"| {net}, {runner} | {cells} | {sum(one[step] for step in steps):.0f} |")
    if not found["webgpu"]:
        lines += ["", "This browser has no WebGPU on a GPU on this machine, so it was not measured."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", default="1,4", help="numbers of WebAssembly threads (default: %(default)s)")
    if not (DIST / "index.html").is_file():
        raise SystemExit("There is no built page: run `make web` first.")
    found = measure([int(count) for count in parser.parse_args().threads.split(",")])
    (HERE / "web.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (HERE / "web.md").write_text(table(found), encoding="utf-8")
    print(table(found))


if __name__ == "__main__":
    main()
