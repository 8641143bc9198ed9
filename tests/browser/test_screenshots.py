"""Both tabs on a desktop and on a phone; with OVERREAD_SCREENSHOTS=docs the pictures of the README are saved."""

import os
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.running_app import ROOT

Visit = Callable[..., Page]
TABS = {"histopathology": ("histopathology", 2), "chest-x-ray": ("chest-xray", 3)}  # picture: tab, which example
SIZES = {"": (1280, 800), "-phone": (390, 844)}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", TABS)
def test_an_example_is_answered_with_verdict_map_and_disclaimer(visit: Visit, name: str, size: str) -> None:
    tab, example = TABS[name]
    page = visit(f"?tab={tab}&example={example}", *SIZES[size])
    bench = page.locator(".workbench:visible")
    expect(bench.locator(".verdict")).to_contain_text("not a medical device")
    expect(bench.locator(".verdict")).to_contain_text("The label says:")
    expect(bench.locator(".canvas")).to_be_visible()
    if folder := os.environ.get("OVERREAD_SCREENSHOTS"):
        page.wait_for_timeout(1000)  # for pictures only
        page.screenshot(path=ROOT / folder / f"{name}{size}.png")
