"""axe-core on a page as it is, in every size and colour scheme that visitors have."""

from collections.abc import Iterable
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE: str = Axe().axe_script
PHONE, LAPTOP, DESKTOP = (390, 844), (1280, 720), (1920, 1080)


def assert_accessible(page: Page, sizes: Iterable[tuple[int, int]] = (PHONE, LAPTOP)) -> None:
    """Check that axe-core finds nothing and that nothing is wider than the window, light and dark, in each size.

    The page is resized and recoloured where it stands, so what it shows has to be made only once. It ends as it began.
    A phone and a laptop are what the style sheet tells apart; ``DESKTOP`` is for a page that nothing was done on.
    """
    before = page.viewport_size
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        for scheme, is_dark in (("dark", True), ("light", False)):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour is on its way to another
            page.wait_for_function("(dark) => document.body.classList.contains('dark') === dark", arg=is_dark)
            assert violations(page) == [], (width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    if before:
        page.set_viewport_size(before)


def violations(page: Page) -> list[str]:
    """Return what axe-core finds fault with, one line for each element."""
    page.evaluate(AXE)
    found: dict[str, Any] = page.evaluate("() => axe.run()")
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]
    ]
