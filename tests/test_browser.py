"""The app as a visitor sees it, in headless Chromium; with OVERREAD_SCREENSHOTS=docs it also saves the pictures."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.support.running_app import ROOT, running_app
from ui.examples import examples

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
TABS = {"Histopathology": ("lymph-node metastasis", 1), "Chest X-ray": ("pneumonia", 2)}  # finding, which example
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_app(tmp_path_factory.mktemp("app") / "app.log") as url:
        yield url


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        opened = browser.new_page(viewport={"width": 1280, "height": 900})
        opened.set_default_timeout(60_000)
        opened.goto(address)
        yield opened
        browser.close()


def save(page: Page, name: str) -> None:
    if folder := os.environ.get("OVERREAD_SCREENSHOTS"):
        page.wait_for_timeout(1500)  # for pictures only: lets images and fonts finish drawing
        page.screenshot(path=ROOT / folder / f"{name}.png", full_page=True)


@pytest.mark.parametrize("tab", TABS)
def test_an_example_is_answered_with_verdict_map_and_disclaimer(page: Page, tab: str) -> None:
    finding, example = TABS[tab]
    page.get_by_role("tab", name=tab).click()
    panel = page.get_by_role("tabpanel").filter(visible=True)
    panel.locator(".examples button.thumbnail-item, .examples .grid-container button").nth(example).click()
    verdict = panel.locator(".verdict")
    expect(verdict).to_contain_text(f"probability of {finding}", timeout=60_000)
    expect(verdict).to_contain_text("not a medical device")
    expect(verdict).to_contain_text("The label says:")
    expect(
        panel.get_by_test_id("imageslider-image").or_(panel.locator(".slider-wrap img, .image-container img")).first
    ).to_be_visible()
    save(page, tab.lower().replace(" ", "-"))


def test_an_upload_is_answered_and_a_broken_one_is_explained(page: Page, tmp_path: Path) -> None:
    page.get_by_role("tab", name="Chest X-ray").click()
    panel = page.get_by_role("tabpanel").filter(visible=True)
    broken = tmp_path / "broken.jpeg"
    broken.write_bytes(examples("chest-xray")[0].path.read_bytes()[:5000])
    panel.get_by_label("Remove Image").first.click()
    panel.locator("input[type=file]").first.set_input_files(broken)
    expect(page.get_by_test_id("toast-body")).to_contain_text("damaged or cut off", timeout=60_000)
    expect(panel.locator(".verdict")).to_contain_text("the answer appears here")
    panel.locator(".examples button.thumbnail-item, .examples .grid-container button").nth(0).click()
    expect(panel.locator(".verdict")).to_contain_text("probability of pneumonia", timeout=60_000)


def test_about_shows_figures_with_intervals(page: Page) -> None:
    page.get_by_role("tab", name="About").click()
    expect(page.get_by_role("table")).to_contain_text("pcam-resnet18")
