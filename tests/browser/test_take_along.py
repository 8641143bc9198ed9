"""What a visitor takes along: report, answer, picture, map, link, programs."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

import overread
from overread.prediction import DISCLAIMER
from tests.browser.conftest import visitors
from ui.examples import examples

Visit = Callable[..., Page]


@pytest.fixture(scope="module")
def bench(browser: Browser, address: str) -> Iterator[Locator]:
    """The first film's tab; no test leaves it with another film or other settings."""
    with visitors(browser, address) as visit:
        yield opened(visit)


def opened(visit: Visit, query: str = "?tab=chest-xray") -> Locator:
    found = visit(query).locator(".workbench:visible")
    found.locator(".take summary").click()
    return found


def saved(bench: Locator, button: str) -> tuple[str, bytes]:
    with bench.page.expect_download() as download:
        bench.locator(button).click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def test_the_answer_is_saved_as_json_with_a_schema_version(bench: Locator) -> None:
    name, data = saved(bench, ".save-json")
    answer = json.loads(data)
    expected = overread.load("chest-xray").predict(examples("chest-xray")[0].path).to_json()
    assert name == f"{examples('chest-xray')[0].path.stem}.json" and answer["schema_version"]
    assert {**answer, "milliseconds": None} == {**expected, "milliseconds": None}


def test_the_map_is_saved_for_numpy(bench: Locator) -> None:
    _, data = saved(bench, ".save-map")
    heatmap = np.load(io.BytesIO(data))
    expected = overread.load("chest-xray").predict(examples("chest-xray")[0].path).heatmap
    assert heatmap.dtype == np.float32
    np.testing.assert_allclose(heatmap, expected, atol=1e-6)


def test_the_picture_is_saved_with_map_and_legend(bench: Locator) -> None:
    _, data = saved(bench, ".save-overlay")
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    legend = pixels[-60]
    assert (legend[121] == (0, 150, 170)).all() or abs(legend[122].astype(int) - (0, 150, 170)).max() < 6
    assert abs(legend[-122].astype(int) - (255, 128, 0)).max() < 6
    assert (pixels[-50:].min(axis=2) < 100).sum() > 500  # the caption


def test_the_report_is_saved_as_pdf(bench: Locator) -> None:
    name, data = saved(bench, ".save-report")
    assert name.endswith("-report.pdf") and data.startswith(b"%PDF")
    assert data.count(b"/Type /Page\n") == 1


def test_the_link_opens_the_same_example(visit: Visit, address: str) -> None:
    bench = opened(visit)
    bench.locator(".thumb").nth(3).click()
    expect(bench.locator(".thumb").nth(3)).to_have_attribute("aria-pressed", "true")
    bench.locator(".copy-link").click()
    link = bench.page.evaluate("navigator.clipboard.readText()")
    assert link == f"{address}/?tab=chest-xray&example=4"
    other = visit(link.removeprefix(f"{address}/")).locator(".workbench:visible")
    expect(other.locator(".thumb").nth(3)).to_have_attribute("aria-pressed", "true")


def test_a_copied_program_gives_the_answer_on_the_page(visit: Visit, tmp_path: Path) -> None:
    bench = opened(visit)
    example = examples("chest-xray")[0].path
    (tmp_path / example.name).write_bytes(example.read_bytes())
    bench.locator(".settings summary").click()
    bench.locator(".point").select_option("rule-in")
    expected = overread.load("chest-xray").predict(example, "rule-in")
    for language, interpreter in (("python", [sys.executable, "-c"]), ("curl", ["bash", "-c"])):
        bench.locator(f".copy-{language}").click()
        expect(bench.get_by_role("status")).to_have_text(f"{language} copied.")
        program = bench.page.evaluate("navigator.clipboard.readText()")
        done = subprocess.run([*interpreter, program], cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert f"{expected.probability:.6f}"[:6] in done.stdout and expected.decision in done.stdout, done.stderr


def test_the_javascript_names_address_file_and_settings(bench: Locator, address: str) -> None:
    bench.locator(".copy-javascript").click()
    program = bench.page.evaluate("navigator.clipboard.readText()")
    for part in (address, examples("chest-xray")[0].path.name, "/chest_xray", overread.names("chest-xray")[0]):
        assert part in program
    assert DISCLAIMER not in program
