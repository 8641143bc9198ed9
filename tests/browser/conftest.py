"""The running app in headless Chromium: `page` is a fresh visitor of the size and scheme that a test asks for."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
Visit = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM is None:
        for item in items:
            if "tests/browser" in item.path.as_posix():
                item.add_marker(pytest.mark.skip(reason="no Chromium is installed"))


@pytest.fixture(scope="module")  # Playwright keeps an event loop running, in which no other test could start one
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    """Open the page as a new visitor and wait for its first answer."""
    with visitors(browser, address) as open_page:
        yield open_page


@contextmanager
def visitors(browser: Browser, address: str) -> Iterator[Visit]:
    """Yield what opens the page as a new visitor and waits for its first answer; the pages are closed at the end."""
    contexts = []

    def open_page(query: str = "", width: int = 1280, height: int = 720, scheme: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, accept_downloads=True
        )
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{address}/{query}")
        page.locator(".workbench:visible .verdict .decision").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
