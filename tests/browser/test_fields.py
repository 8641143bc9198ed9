"""A field of view or a slide in the page: its scale is asked for, the scan is said, run, shown and taken along."""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.support.axe import assert_accessible
from tests.support.landscape import landscape
from ui.examples import examples

Visit = Callable[..., Page]
MODEL = "pcam-resnet18"
expect.set_options(timeout=60_000)  # a scan takes its time


def mosaic(columns: int, rows: int) -> Image.Image:
    """Return a field made of the example patches."""
    patches = [Image.open(one.path).convert("RGB") for one in examples("histopathology")]
    field = Image.new("RGB", (columns * 96, rows * 96))
    for index in range(columns * rows):
        field.paste(
            patches[(index * 5 + index // columns) % len(patches)], (index % columns * 96, index // columns * 96)
        )
    return field


def saved(image: Image.Image, kind: str, um_per_px: float | None = None) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **({"dpi": (25_400 / um_per_px,) * 2} if um_per_px else {}))
    return buffer.getvalue()


def drop(page: Page, data: bytes, name: str) -> Locator:
    bench = page.locator(".workbench:visible")
    bench.locator(".model").select_option(MODEL)
    bench.locator(".file").set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": data})
    return bench


def scanned(page: Page, data: bytes, name: str) -> Locator:
    bench = drop(page, data, name)
    bench.locator(".slide-start").click()
    expect(bench.locator(".slide-headline")).to_be_visible()
    return bench


def test_every_step_from_the_question_to_the_map_passes_axe_and_fits(visit: Visit) -> None:
    page = visit()
    bench = drop(page, saved(mosaic(5, 2), "JPEG"), "screenshot.jpg")
    question = bench.locator(".slide-question")
    expect(question).to_contain_text("480 x 192 px are no patch of 96 px")
    expect(question).to_contain_text("0.25 µm/px: 0.12 mm x 0.048 mm")
    expect(bench.locator(".slide-desk")).to_be_hidden()  # nothing ran
    assert_accessible(page)
    question.locator(".slide-mpp").fill("0.972")
    question.get_by_role("button", name="Use it").click()
    expect(bench.locator(".slide-sentence")).to_contain_text("480 x 192 px at 0.972 µm/px (given by the caller)")
    expect(bench.locator(".slide-sentence")).to_contain_text("patches, one every 32 px (31 µm), about")
    expect(bench.locator(".slide-scale-bar b")).to_contain_text("µm")
    assert_accessible(page)
    bench.locator(".slide-start").click()
    expect(bench.locator(".slide-headline")).to_contain_text("threshold for lymph-node metastasis")
    expect(bench.get_by_role("status")).to_contain_text("The scan is finished.")
    assert_accessible(page)
    bench.get_by_role("button", name="Patch 1:").click()
    expect(bench.locator(".slide-patch .verdict .decision")).to_be_visible()
    assert_accessible(page)


def test_the_map_its_opacity_and_the_answer_of_a_patch(visit: Visit) -> None:
    page = visit()
    bench = scanned(page, saved(mosaic(5, 2), "TIFF", 0.972), "field.tif")
    expect(bench.locator(".slide-sentence")).to_contain_text("TIFF resolution tags")
    layers = (
        "() => { const { layers } = document.querySelector('.workbench').workbench.made.slide.viewer;"
        " return Object.fromEntries(Object.entries(layers).map(([name, item]) => [name, item.getOpacity()])); }"
    )
    assert page.evaluate(layers) == {"probability": 0.75, "evidence": 0, "outline": 1}
    bench.locator(".slide-opacity").fill("20")
    bench.locator(".slide-layer").select_option("evidence")
    bench.locator(".slide-outline").uncheck()
    assert page.evaluate(layers) == {"probability": 0, "evidence": 0.2, "outline": 0}
    expect(bench.locator(".slide-mark")).to_have_count(bench.locator(".slide-suspicious button").count())
    first = bench.get_by_role("button", name="Patch 1:")
    label = first.get_attribute("aria-label") or ""
    first.click()
    title = bench.locator(".slide-patch-title")
    expect(title).to_have_text(f"Patch 1: {label.split(': ')[1].split(',')[0]}")  # the scan's answer is the patch's own
    expect(bench.locator(".slide-mark.chosen")).to_have_count(1)
    bench.get_by_role("button", name="Open this patch on its own").click()
    expect(bench.locator(".verdict-place .decision")).to_be_visible()
    bench.get_by_role("button", name="Back to the slide").click()
    expect(bench.locator(".slide-headline")).to_be_visible()


def test_the_keyboard_moves_zooms_and_reads_a_patch(visit: Visit) -> None:
    page = visit()
    bench = scanned(page, saved(mosaic(5, 2), "TIFF", 0.972), "field.tif")
    canvas = bench.locator(".openseadragon-canvas")
    expect(canvas).to_have_attribute("aria-label", re.compile("arrow keys move, plus and minus zoom, Enter reads"))
    zoom = "() => document.querySelector('.workbench').workbench.made.slide.viewer.viewer.viewport.getZoom()"
    before = page.evaluate(zoom)
    canvas.focus()
    page.keyboard.press("+")
    page.wait_for_function(f"({zoom})() > {before}")
    page.keyboard.press("Enter")
    expect(bench.locator(".slide-patch-title")).to_contain_text("The patch here:")
    bench.get_by_role("button", name="Fit").click()
    page.wait_for_function(f"({zoom})() <= {before} + 0.01")


def test_files_are_taken_along(visit: Visit) -> None:
    bench = scanned(visit(), saved(mosaic(3, 2), "TIFF", 0.972), "node 7.tif")
    taken = {}
    for link in bench.locator(".slide-files a").all():
        with bench.page.expect_download() as download:
            link.click()
        taken[download.value.suggested_filename] = Path(download.value.path()).read_bytes()
    assert {"node 7-regions.geojson", "node 7-patches.csv", "node 7-map.ome.tif", "node 7-scan.json"} <= set(taken)
    summary = json.loads(taken["node 7-scan.json"])
    assert (
        summary["slide"] == "node 7.tif" and json.loads(taken["node 7-regions.geojson"])["type"] == "FeatureCollection"
    )
    assert len(list(csv.DictReader(io.StringIO(taken["node 7-patches.csv"].decode())))) == summary["patches"]


def test_a_scan_is_cancelled_and_can_be_run_again(visit: Visit) -> None:
    bench = drop(visit(), saved(mosaic(16, 12), "TIFF", 0.972), "large.tif")
    bench.locator(".slide-start").click()
    expect(bench.locator(".slide-remaining")).to_contain_text("left")
    bench.get_by_role("button", name="Cancel").click()
    expect(bench.get_by_role("status")).to_have_text("The scan was stopped.")
    expect(bench.locator(".slide-start")).to_be_visible()
    expect(bench.get_by_role("alert")).to_be_hidden()


def test_a_photograph_is_named_and_can_be_scanned_all_the_same(visit: Visit) -> None:
    bench = drop(visit(), saved(landscape(1600, 1200), "TIFF"), "landscape.tif")
    expect(bench.locator(".slide-why")).to_contain_text("This does not look like a stained section")
    expect(bench.get_by_role("button", name="20x")).to_be_disabled()
    bench.get_by_role("button", name="It is tissue").click()
    bench.get_by_role("button", name="20x").click()
    expect(bench.locator(".slide-notes .warning")).to_contain_text("the answers may mean nothing here")
    expect(bench.locator(".slide-start")).to_have_text("Scan anyway")


def test_a_patch_of_another_known_scale_is_answered_as_a_picture(visit: Visit) -> None:
    twice = mosaic(1, 1).resize((192, 192), Image.Resampling.BICUBIC)
    bench = drop(visit(), saved(twice, "TIFF", 0.486), "patch.tif")  # 110 kB: it goes to the slides first
    expect(bench.locator(".verdict-place .note").first).to_contain_text("0.486 µm/px (pixels per inch in the file)")
    bench.locator(".cover").click()
    expect(bench.locator(".cover-result")).to_contain_text("becomes")


def test_what_is_one_enlarged_patch_is_squashed_when_the_visitor_says_so(visit: Visit) -> None:
    twice = mosaic(1, 1).resize((140, 140), Image.Resampling.BICUBIC)
    bench = drop(visit(), saved(twice, "PNG"), "enlarged.png")  # 40 kB: asked as a picture first
    bench.get_by_role("button", name="It is one 96 px patch").click()
    expect(bench.locator(".verdict-place")).to_contain_text("was squashed to 96 x 96 px, as asked")


@pytest.mark.parametrize("name", ["corrupt.svs", "thin.tif"])
def test_what_cannot_be_read_is_one_sentence(visit: Visit, name: str) -> None:
    data = saved(Image.new("RGB", (1, 60_000), "pink"), "TIFF") if name == "thin.tif" else b"II*\0" + b"x" * 100_000
    bench = drop(visit(), data, name)
    expect(bench.get_by_role("alert")).to_contain_text("." if name == "thin.tif" else "damaged or cut off")
    bench.locator(".thumb").nth(0).click()
    expect(bench.locator(".verdict-place .decision")).to_be_visible()


def test_a_slide_is_deleted_when_another_comes_or_the_visitor_leaves(
    visit: Visit, uploads: Path, temporary: Path, app_log: Path
) -> None:
    def kept() -> set[str]:
        return {file.name for at in (uploads, temporary) for file in at.glob("**/overread-slides-*/*/*.tif")}

    page = visit()
    privacy = page.locator(".workbench:visible .privacy")
    privacy.locator("summary").click()
    expect(privacy.get_by_text("under a random key until you take another or leave")).to_be_visible()
    bench = drop(page, saved(mosaic(5, 2), "TIFF", 0.972), "Jane-Roe.tif")
    expect(bench.locator(".slide-sentence")).to_be_visible()
    assert "Jane-Roe.tif" in kept()
    with page.expect_response("**/forget"):
        drop(page, saved(mosaic(6, 2), "TIFF", 0.972), "second.tif")
    expect(bench.locator(".slide-sentence")).to_contain_text("576 x 192")
    assert "Jane-Roe.tif" not in kept() and "second.tif" in kept()
    page.goto(f"{page.url.split('?')[0]}llms.txt")
    page.wait_for_timeout(2000)  # what is sent while a page is left has no answer to wait for
    assert "second.tif" not in kept() and "Jane" not in app_log.read_text()


def test_the_real_slide_is_shown_and_scanned(visit: Visit, real_data: Path) -> None:
    path = real_data / "samples" / "CMU-1-Small-Region.svs"
    if not path.is_file():
        pytest.skip(f"no real slide: {path} does not exist")
    bench = drop(visit(), path.read_bytes(), "CMU-1-Small-Region.svs")
    bench.locator(".slide-start").click()
    expect(bench.locator(".slide-headline")).to_be_visible(timeout=300_000)
    expect(bench.locator(".slide-sentence")).to_contain_text("2,220 x 2,967 px at 0.499 µm/px (OpenSlide mpp, aperio)")
    expect(bench.locator(".slide-notes .warning")).to_contain_text("unlike what the model learned from")
    expect(bench.locator(".slide-suspicious button")).to_have_count(10)
