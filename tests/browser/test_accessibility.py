"""axe-core finds nothing serious or moderate in any state, and a screen reader hears each answer."""

import io
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.support.axe import DESKTOP, LAPTOP, PHONE, assert_accessible
from tests.support.dicom_file import dicom
from tests.support.landscape import landscape
from ui.examples import examples

Visit = Callable[..., Page]


def bench_of(page: Page) -> Locator:
    return page.locator(".workbench:visible")


@pytest.mark.parametrize("tab", ["histopathology", "chest-xray"])
def test_every_state_of_a_tab_passes_axe(visit: Visit, tab: str) -> None:
    page = visit(f"?tab={tab}")
    bench = bench_of(page)
    assert_accessible(page, [PHONE, LAPTOP, DESKTOP])
    for fold in bench.locator("summary").all():
        fold.click()
    bench.locator(".point").select_option("screening")
    bench.locator(".paint").click()
    assert_accessible(page)
    bench.locator(".cover").click()
    expect(bench.locator(".cover-result")).to_contain_text("becomes")
    bench.locator(".compare").click()
    expect(bench.locator(".comparison figure").nth(2)).to_be_visible()
    assert_accessible(page)
    bench.locator(".guess").check()
    bench.locator(".thumb").nth(1).click()
    expect(bench.locator(".guess-question")).to_be_visible()
    assert_accessible(page)
    bench.locator(".file").set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": b"no image"})
    expect(bench.get_by_role("alert")).to_be_visible()
    assert_accessible(page)


def test_a_refused_picture_and_a_film_with_a_window_pass_axe(visit: Visit) -> None:
    page = visit("?tab=chest-xray", *PHONE)
    bench = bench_of(page)
    buffer = io.BytesIO()
    landscape().save(buffer, "PNG")
    bench.locator(".file").set_input_files({"name": "x.png", "mimeType": "image/png", "buffer": buffer.getvalue()})
    expect(bench.get_by_role("button", name="Answer anyway")).to_be_in_viewport()
    assert_accessible(page)
    with Image.open(examples("chest-xray")[0].path) as opened:
        film = dicom(np.asarray(opened.convert("L")).astype(np.uint16) * 16, Modality="DX")
    bench.locator(".file").set_input_files({"name": "x.dcm", "mimeType": "application/dicom", "buffer": film})
    expect(bench.locator(".window")).to_be_enabled()
    assert_accessible(page)


def test_about_passes_axe_and_fits(visit: Visit) -> None:
    page = visit()
    page.get_by_role("tab", name="About").click()
    expect(page.get_by_role("table").first).to_contain_text("pcam-resnet18")
    assert_accessible(page, [PHONE, LAPTOP, DESKTOP])


def test_abouts_snippet_names_the_address_of_the_page(visit: Visit, address: str) -> None:
    page = visit()
    page.get_by_role("tab", name="About").click()
    expect(page.locator(".about pre")).to_contain_text(address)


def test_the_verdict_is_spoken_and_is_the_text_of_the_picture(visit: Visit) -> None:
    bench = bench_of(visit("?tab=chest-xray"))
    status = bench.get_by_role("status")
    expect(status).to_contain_text("probability of pneumonia")
    before = status.inner_text()
    assert bench.locator(".canvas").get_attribute("aria-label") == before
    bench.locator(".thumb").nth(1).click()
    expect(status).not_to_have_text(before)


def test_headings_start_at_one_and_skip_none(visit: Visit) -> None:
    page = visit()
    shown = "[...document.querySelectorAll('h1,h2,h3,h4')].filter((one) => one.checkVisibility())"
    levels = page.evaluate(f"() => {shown}.map((one) => Number(one.tagName[1]))")
    assert levels[0] == 1 and all(after - before <= 1 for before, after in pairwise(levels))


def test_nothing_moves_for_a_visitor_who_asks_for_that(visit: Visit) -> None:
    page = visit("?tab=chest-xray", 390, 844)
    page.emulate_media(reduced_motion="reduce")
    moving = page.evaluate(
        "() => [...document.querySelectorAll('.workbench *')].filter((one) => {"
        "const style = getComputedStyle(one); return parseFloat(style.transitionDuration) > 0"
        " || style.animationName !== 'none'; }).length"
    )
    assert moving == 0
