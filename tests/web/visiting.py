"""What a visitor of the page in a browser does."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

expect.set_options(timeout=60_000)  # a busy machine answers late


def open_tab(page: Page, address: str, domain: str) -> Locator:
    """Return the tab after its first answer, to the first example; the address may end in a query."""
    page.goto("about:blank")  # or an address that differs after the # only would keep what was shown before
    page.goto(f"{address}#{domain}")
    panel = page.locator(f"#panel-{domain}")
    panel.locator(".verdict .probability").wait_for()
    answered(panel)
    return panel


def answered(panel: Locator) -> None:
    expect(panel.locator(".workbench:not([aria-busy])")).to_be_visible()


def give(panel: Locator, *files: Path) -> None:
    panel.locator(".file").set_input_files(list(files))


def ask(panel: Locator, file: Path) -> Locator:
    """Return the card after the page has read the file; the page says that it is busy before ``give`` returns."""
    give(panel, file)
    answered(panel)
    return panel.locator(".verdict")


def answers(page: Page, panel: Locator, files: Sequence[Path], timeout: float = 400_000) -> list[dict[str, Any]]:
    """Return the JSON answers to several files, as the page saves them."""
    give(panel, *files)
    return batch_answers(page, panel, files, timeout)


def batch_answers(page: Page, panel: Locator, files: Sequence[Path], timeout: float = 400_000) -> list[dict[str, Any]]:
    """Return the JSON answers to the files that are being read, as the page saves them."""
    expect(panel.locator(".batch [role=status]")).to_have_text(
        f"{len(files)} of {len(files)} files read.", timeout=timeout
    )
    answered(panel)
    with page.expect_download() as download:
        panel.locator(".batch-json").click()
    saved: list[dict[str, Any]] = json.loads(Path(download.value.path()).read_text(encoding="utf-8"))
    assert [answer["file"] for answer in saved] == [file.name for file in files]
    return saved
