"""What a film has beside the map: a refusal with the picture, lungs, the window of its own grey values, the warning."""

import base64
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.support.dicom_file import dicom
from tests.support.landscape import landscape
from ui.examples import examples

Visit = Callable[..., Page]
BENCH = "[...document.querySelectorAll('.workbench')].find((one) => one.offsetParent).workbench"
SHOWN = f"{BENCH}.made.picture.view"


def bench_of(page: Page) -> Locator:
    return page.locator(".workbench:visible")


def choose(bench: Locator, data: bytes) -> None:
    bench.locator(".file").set_input_files({"name": "film", "mimeType": "application/octet-stream", "buffer": data})


def film() -> np.ndarray[Any, Any]:
    """Return (552, 856) uint16, a film of 12 bits."""
    with Image.open(examples("chest-xray")[0].path) as opened:
        small = opened.convert("L").resize((856, 552))  # at most 1,024 px, so that the page shows every value
        return np.asarray(small).astype(np.uint16) * 16 + 7


def greys_on_the_page(page: Page) -> np.ndarray[Any, Any]:
    """Return (H, W) of the picture that lies under the map."""
    code = f"""() => {{
      const picture = {SHOWN}.picture, canvas = document.createElement("canvas");
      const [width, height] = {SHOWN}.size;
      Object.assign(canvas, {{ width, height }});
      const context = canvas.getContext("2d");
      context.drawImage(picture, 0, 0);
      return canvas.toDataURL("image/png").split(",")[1];
    }}"""  # as a list of numbers it would take Playwright many seconds
    with Image.open(io.BytesIO(base64.b64decode(page.evaluate(code)))) as drawn:
        return np.asarray(drawn.convert("RGB"))[..., 0].astype(int)


def test_a_refused_picture_is_shown_beside_the_reason(visit: Visit) -> None:
    page = visit("?tab=chest-xray")
    bench = bench_of(page)
    buffer = io.BytesIO()
    landscape().save(buffer, "PNG")
    choose(bench, buffer.getvalue())
    expect(bench.locator(".verdict")).to_contain_text("This looks like a colour photograph")
    expect(bench.get_by_role("button", name="Answer anyway")).to_be_visible()
    greys = greys_on_the_page(page)
    assert greys.std() > 20
    assert page.evaluate(f"{SHOWN}.cells") is None  # and no map over it
    expect(bench.locator(".canvas")).to_have_attribute("aria-label", "The picture that was not read")
    bench.locator(".canvas").focus()
    for key in ("ArrowRight", "+", "0"):  # the viewer reads no cells, and still zooms
        page.keyboard.press(key)
    bench.locator(".thumb").nth(0).click()
    expect(bench.locator(".verdict .decision")).to_be_visible()


def test_a_covered_picture_keeps_the_warning_of_the_first_answer(visit: Visit) -> None:
    page = visit("?tab=chest-xray")
    bench = bench_of(page)
    buffer = io.BytesIO()
    landscape().save(buffer, "PNG")
    choose(bench, buffer.getvalue())
    bench.get_by_role("button", name="Answer anyway").click()
    expect(bench.locator(".verdict .warning")).to_be_visible()
    before = bench.locator(".details-place").text_content() or ""
    bench.locator(".model").select_option(index=1)  # another model is asked in the same way
    expect(bench.locator(".details-place")).not_to_have_text(before)
    expect(bench.locator(".verdict .warning")).to_be_visible()
    bench.locator(".cover").click()
    expect(bench.locator(".cover-result")).to_contain_text("becomes")
    expect(bench.locator(".cover-result")).to_contain_text("Answered anyway")


@pytest.mark.parametrize("kind", ["DICOM", "16-bit PNG"])
def test_window_and_level_act_on_the_values_of_the_file(visit: Visit, kind: str) -> None:
    page = visit("?tab=chest-xray")
    bench = bench_of(page)
    expect(bench.locator(".window")).to_be_hidden()  # an 8-bit example has none
    values, buffer = film(), io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    choose(bench, dicom(values, Modality="DX") if kind == "DICOM" else buffer.getvalue())
    level, width = bench.locator(".window .level"), bench.locator(".window .width")
    expect(level).to_be_enabled()
    # A window of 60 values holds at most four of the 8-bit greys of the film: only its own values fill it.
    for slider, value in ((level, 2000), (width, 60)):
        slider.evaluate("(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }", value)
    set_to = [float(slider.input_value()) for slider in (level, width)]
    low = set_to[0] - set_to[1] / 2
    expected = np.clip((values - low) / set_to[1], 0, 1) * 255
    np.testing.assert_allclose(greys_on_the_page(page), expected, atol=1)
    bench.locator(".window .reset").click()
    assert len(np.unique(greys_on_the_page(page))) > 100
    bench.locator(".thumb").nth(1).click()
    expect(bench.locator(".window")).to_be_hidden()


def test_the_window_is_moved_by_keyboard(visit: Visit) -> None:
    page = visit("?tab=chest-xray")
    bench = bench_of(page)
    choose(bench, dicom(film(), Modality="DX"))
    expect(bench.locator(".window .level")).to_be_enabled()
    before = greys_on_the_page(page)
    bench.locator(".window .level").focus()
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    assert greys_on_the_page(page).mean() < before.mean() - 2


def test_lungs_are_outlined_where_the_answer_has_them(visit: Visit) -> None:
    page = visit("?tab=chest-xray")
    bench = bench_of(page)
    square = [[[0.2, 0.2], [0.8, 0.2], [0.8, 0.8], [0.2, 0.8]]]
    page.evaluate(
        "(outline) => { const taker = " + BENCH + ".made.picture;"
        "taker.shown.answer.lungs = { area: 0.36, evidence_inside: 0.8, outline }; taker.draw(); }",
        square,
    )
    choice = bench.get_by_label("lungs")
    expect(choice).to_be_checked()
    drawn = [bench.locator(".canvas").evaluate("(canvas) => canvas.toDataURL()")]
    choice.uncheck()
    drawn.append(bench.locator(".canvas").evaluate("(canvas) => canvas.toDataURL()"))
    assert drawn[0] != drawn[1]
    page.evaluate(BENCH + ".made.picture.shown.answer.lungs = null; " + BENCH + ".made.picture.draw()")
    expect(choice).to_be_hidden()
