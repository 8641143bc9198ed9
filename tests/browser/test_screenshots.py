"""The picture of shared links; OVERREAD_SCREENSHOTS=docs takes it anew, and those of the README."""

import io
import os
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.support.running_app import ROOT

Visit = Callable[..., Page]
TABS = {"histopathology": ("histopathology", 2), "chest-x-ray": ("chest-xray", 3)}  # picture: tab, which example
SIZES = {"": (1280, 800), "-phone": (390, 844)}
SHARED = (1200, 630)  # what the sites that show links recommend


@pytest.mark.skipif("OVERREAD_SCREENSHOTS" not in os.environ, reason="proves nothing: `make screenshots` runs it")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", TABS)
def test_the_pictures_of_the_readme_are_taken(visit: Visit, name: str, size: str) -> None:
    tab, example = TABS[name]
    page = visit(f"?tab={tab}&example={example}", *SIZES[size])
    page.wait_for_timeout(1000)
    page.screenshot(path=ROOT / os.environ["OVERREAD_SCREENSHOTS"] / f"{name}{size}.png")


def test_the_picture_of_shared_links_shows_a_film_and_its_verdict(visit: Visit) -> None:
    tab, example = TABS["chest-x-ray"]
    page = visit(f"?tab={tab}&example={example}", *SHARED)
    bench = page.locator(".workbench:visible")
    for shown in (".verdict .decision", ".canvas"):
        expect(bench.locator(shown)).to_be_in_viewport()
    with Image.open(ROOT / "ui" / "web" / "share.jpg") as shared:
        assert shared.size == SHARED
    if os.environ.get("OVERREAD_SCREENSHOTS"):
        page.wait_for_timeout(1000)  # for pictures only
        Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(ROOT / "ui" / "web" / "share.jpg", quality=88)
