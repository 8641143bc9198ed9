"""The evidence viewer: read, zoomed, covered and compared, by mouse and by keyboard."""

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

import overread
from overread.catalogue import catalogue
from overread.model_folder import read_config
from ui.examples import examples

Visit = Callable[..., Page]


def bench_of(page: Page) -> Locator:
    return page.locator(".workbench:visible")


def inside(page: Page, code: str) -> Any:
    """Return what JavaScript gives, in which ``taker`` is what shows one picture in the open tab."""
    found = "[...document.querySelectorAll('.workbench')].find((one) => one.offsetParent).workbench.made.picture"
    return page.evaluate(f"() => {{ const taker = {found}; return {code}; }}")


@pytest.mark.parametrize("tab", ["histopathology", "chest-xray"])
def test_pointing_at_a_cell_gives_its_log_odds(visit: Visit, tab: str) -> None:
    page = visit(f"?tab={tab}")
    bench = bench_of(page)
    expected = overread.load(overread.names(tab)[0]).predict(examples(tab)[0].path).heatmap
    area = bench.locator(".canvas").bounding_box()
    assert area
    bench.locator(".canvas").hover(position={"x": area["width"] / 2 + 12, "y": area["height"] / 2 + 12})
    said = re.fullmatch(
        r"row (\d+), column (\d+): ([+-]\d\.\d{3}) log-odds (for|against) it", bench.locator(".readout").inner_text()
    )
    assert said
    value = expected[int(said[1]) - 1, int(said[2]) - 1]
    assert float(said[3]) == pytest.approx(value, abs=6e-4)
    assert said[4] == ("for" if value > 0 else "against")


def test_the_map_is_enlarged_as_in_python(visit: Visit) -> None:
    page = visit("?tab=chest-xray")
    cells = np.array(inside(page, "taker.shown.answer.heatmap.values"), np.float32)
    drawn = np.array(json.loads(inside(page, "JSON.stringify([...taker.view.layers.true.values])"))).reshape(320, 320)
    grown = np.asarray(Image.fromarray(cells).resize((320, 320), Image.Resampling.BICUBIC))
    np.testing.assert_allclose(drawn, grown, atol=1e-4)


def test_keyboard_alone_reads_zooms_and_covers(visit: Visit) -> None:
    page = visit("?tab=chest-xray")
    bench = bench_of(page)
    bench.locator(".opacity").focus()
    for _ in range(12):
        page.keyboard.press("ArrowLeft")
    assert inside(page, "taker.view.look.opacity") < 0.75
    bench.locator(".canvas").focus()
    page.keyboard.press("ArrowRight")
    first = bench.locator(".readout").inner_text()
    page.keyboard.press("ArrowRight")
    assert bench.locator(".readout").inner_text() != first
    page.keyboard.press("+")
    assert inside(page, "taker.view.zoom") == pytest.approx(1.5)
    page.keyboard.press("0")
    assert inside(page, "taker.view.zoom") == 1
    bench.locator(".paint").focus()
    page.keyboard.press("Enter")
    bench.locator(".canvas").focus()
    page.keyboard.press("Space")
    assert inside(page, "taker.view.painted.size") == 1
    bench.locator(".cover").focus()
    expect(bench.locator(".cover")).to_have_text("Cover the painted cells")
    page.keyboard.press("Enter")
    expect(bench.locator(".cover-result")).to_contain_text("1 of ")


def test_every_control_is_reached_by_tabulator(visit: Visit) -> None:
    page = visit()
    wanted = {"choose", "thumb", "canvas", "opacity", "grey", "cells", "contours", "cover", "paint", "compare"}
    page.keyboard.press("Tab")
    for _ in range(60):
        wanted -= set(page.evaluate("document.activeElement.className.toString().split(' ')"))
        page.keyboard.press("Tab")
    assert wanted == set()


def test_picture_and_map_are_zoomed_together(visit: Visit) -> None:
    page = visit("?tab=histopathology")
    bench = bench_of(page)
    bench.locator(".zoom .in").click()
    bench.locator(".zoom .in").click()
    area = bench.locator(".canvas").bounding_box()
    assert area
    page.mouse.move(area["x"] + area["width"] / 2, area["y"] + area["height"] / 2)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] / 2 + 60, area["y"] + area["height"] / 2, steps=4)
    page.mouse.up()
    assert inside(page, "taker.view.x") < 0.45
    # The cell under the pointer is the one that the frame of both layers says.
    bench.locator(".canvas").hover(position={"x": area["width"] / 2, "y": area["height"] / 2})
    columns = inside(page, "taker.view.cells[0].length")
    assert inside(page, "taker.view.selected") % columns == int(inside(page, "taker.view.x") * columns)


def test_covering_the_strongest_cells_asks_the_model_again(visit: Visit) -> None:
    page = visit("?tab=histopathology&example=2")
    bench = bench_of(page)
    shown = bench.locator(".probability b").inner_text()
    bench.locator(".cover").click()
    result = bench.locator(".cover-result")
    expect(result).to_contain_text(f"{shown} becomes")
    expect(result).to_contain_text("With as many cells covered where the map shows least")
    covered = inside(page, "taker.view.picture.src")
    bench.locator(".uncover").click()
    expect(result).to_be_empty()
    assert inside(page, "taker.view.picture.src") != covered


def test_a_painted_region_is_covered(visit: Visit) -> None:
    page = visit("?tab=chest-xray")
    bench = bench_of(page)
    bench.locator(".paint").click()
    area = bench.locator(".canvas").bounding_box()
    assert area
    x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
    page.mouse.move(x - 50, y)
    page.mouse.down()
    page.mouse.move(x + 50, y, steps=10)
    page.mouse.up()
    painted = inside(page, "taker.view.painted.size")
    assert painted >= 2
    bench.locator(".cover").click()
    expect(bench.locator(".cover-result")).to_contain_text(f"{painted} of ")


def test_all_models_of_the_tab_are_compared_on_the_same_picture(visit: Visit) -> None:
    bench = bench_of(visit("?tab=chest-xray"))
    bench.locator(".compare").click()
    captions = bench.locator(".comparison figcaption")
    expect(captions).to_have_count(len(overread.names("chest-xray")))
    for name, caption in zip(overread.names("chest-xray"), captions.all(), strict=True):
        expect(caption).to_contain_text(read_config(catalogue()[name].bundled_folder).title or name)
        expect(caption).to_contain_text("%")


def test_guess_first_hides_the_answer_until_a_guess(visit: Visit) -> None:
    bench = bench_of(visit("?tab=chest-xray"))
    bench.locator(".settings summary").click()
    bench.locator(".guess").check()
    bench.locator(".thumb").nth(1).click()
    question = bench.locator(".guess-question")
    expect(question).to_contain_text("Your guess: is it pneumonia?")
    expect(bench.locator(".verdict")).to_be_hidden()
    question.get_by_role("button", name="No").click()  # the film is normal
    expect(bench.locator(".score")).to_contain_text("You were right. Right so far: you 1 of 1")
    expect(bench.locator(".verdict .label")).to_contain_text("normal")
