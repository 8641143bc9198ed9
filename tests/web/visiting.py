"""What a visitor of the page in a browser does."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect


def open_tab(page: Page, address: str, domain: str) -> Locator:
    """Return the tab after its first answer, to the first example."""
    page.goto(f"{address}/#{domain}")
    panel = page.locator(f"#panel-{domain}")
    panel.locator(".verdict .probability").wait_for()
    answered(panel)
    return panel


def answered(panel: Locator) -> None:
    expect(panel.locator(".workbench:not([aria-busy])")).to_be_visible()


def give(panel: Locator, *files: Path) -> None:
    panel.locator(".file").set_input_files(list(files))


def ask(panel: Locator, file: Path) -> Locator:
    """Return the card after the page has read the file."""
    before = panel.locator(".workbench")
    give(panel, file)
    expect(before).to_have_attribute("aria-busy", "true")
    answered(panel)
    return panel.locator(".verdict")


def answers(page: Page, panel: Locator, files: Sequence[Path], timeout: float = 400_000) -> list[dict[str, Any]]:
    """Return the JSON answers to several files, as the page saves them."""
    give(panel, *files)
    expect(panel.locator(".batch [role=status]")).to_have_text(
        f"{len(files)} of {len(files)} files read.", timeout=timeout
    )
    answered(panel)
    with page.expect_download() as download:
        panel.locator(".batch-json").click()
    saved: list[dict[str, Any]] = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert [answer["file"] for answer in saved] == [file.name for file in files]
    return saved
