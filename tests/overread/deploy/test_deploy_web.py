"""``overread deploy web``: a built page becomes a static Space."""

import sys
from pathlib import Path

import pytest
from huggingface_hub import metadata_load
from playwright.sync_api import sync_playwright

from overread.deploy.web import web_folder
from tests.browser.conftest import CHROMIUM, QUIET
from tests.overread.deploy.conftest import ROOT, Run
from tests.support.hub_on_loopback import HubOnLoopback
from tests.support.node import node_modules
from tests.support.static_server import served
from tests.web.visiting import ask, open_tab
from ui.examples import examples

SPACE = "tester/overread-web"


def test_the_built_page_is_isolated_so_that_it_may_have_threads(tmp_path: Path, checkout: Path) -> None:
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<!doctype html>")
    (built / "assets" / "worker.js").write_text("postMessage(1)")
    folder = web_folder(tmp_path / "space", built, checkout)
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert names == {"README.md", "LICENSE", "index.html", "assets/worker.js"}
    card = metadata_load(folder / "README.md") or {}
    assert card["sdk"] == "static" and card["app_file"] in names
    assert card["custom_headers"]["cross-origin-embedder-policy"] == "require-corp"
    assert len(card["short_description"]) <= 60  # the Hub's limit


def test_what_is_pushed_from_a_clean_copy_answers_in_a_browser(
    overread: Run, hub: HubOnLoopback, checkout: Path, tmp_path: Path
) -> None:
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    node_modules(ROOT / "web")  # or skips, where npm is not installed or no registry can be reached
    lend_environment(checkout)
    done = overread("deploy", "web", "--to", SPACE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{hub.endpoint}/spaces/{SPACE}"
    space = tmp_path / "space"
    for name, data in hub.files(SPACE, "main", "space").items():
        (space / name).parent.mkdir(parents=True, exist_ok=True)
        (space / name).write_bytes(data)
    headers = (metadata_load(space / "README.md") or {})["custom_headers"]
    with served(space, headers) as address, sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET).new_page()
        page.set_default_timeout(60_000)
        panel = open_tab(page, address, "chest-xray")
        example = examples("chest-xray")[1]
        assert example.label in ask(panel, example.path).locator(".label").inner_text()
        assert page.evaluate("crossOriginIsolated")  # by the headers of its card, so that it may have threads
        page.context.browser.close()


def lend_environment(checkout: Path) -> None:
    """Let ``make`` in a copy use the Python that runs the tests, as if it had just been installed there."""
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    (checkout / ".venv" / ".run-installed").touch()
