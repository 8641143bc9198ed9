"""Where things are when the page opens and when an answer arrives, at three sizes."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.axe import DESKTOP, LAPTOP, PHONE

Visit = Callable[..., Page]
# Every shift counts, also those right after a click, which the published CLS leaves out.
COUNT_SHIFTS = """() => {
  window.shifts = 0;
  window.observer?.disconnect();
  window.observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shifts += entry.value;
  });
  window.observer.observe({ type: "layout-shift", buffered: false });
}"""


def box(found: Locator) -> dict[str, float]:
    area = found.bounding_box()
    assert area
    return {**area, "right": area["x"] + area["width"], "bottom": area["y"] + area["height"]}


def open_tab(page: Page) -> Locator:
    return page.locator(".workbench:visible")


def answered(page: Page, **changes: Any) -> None:
    """Wait until nothing is being asked any more."""
    expect(page.locator(".workbench:visible:not([aria-busy])")).to_be_visible(**changes)


@pytest.mark.parametrize("tab", ["histopathology", "chest-xray"])
@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
def test_examples_picture_and_verdict_are_on_the_first_wide_screen(
    visit: Visit, tab: str, width: int, height: int
) -> None:
    bench = open_tab(visit(f"?tab={tab}", width, height))
    strip, picture, verdict = (box(bench.locator(name)) for name in (".strip", ".canvas", ".verdict"))
    buttons = box(bench.locator(".asks"))
    assert strip["bottom"] <= picture["y"] and strip["bottom"] <= verdict["y"]
    assert picture["right"] <= verdict["x"]
    assert max(picture["bottom"], verdict["bottom"], buttons["bottom"]) <= height
    expect(bench.locator(".verdict")).to_contain_text("not a medical device")
    expect(bench.locator(".verdict")).to_contain_text("The label says:")


@pytest.mark.parametrize("tab", ["histopathology", "chest-xray"])
def test_on_a_phone_verdict_picture_and_settings_follow_the_files(visit: Visit, tab: str) -> None:
    page = visit(f"?tab={tab}", 390, 844)
    bench = open_tab(page)
    names = (".files", ".verdict", ".canvas", ".controls", ".settings")
    tops = [box(bench.locator(name))["y"] for name in names]
    assert tops == sorted(tops)
    assert tops[1] < 480
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_on_a_phone_a_new_verdict_is_scrolled_into_view(visit: Visit) -> None:
    page = visit("?tab=chest-xray", 390, 844)
    bench = open_tab(page)
    before = bench.locator(".details-place").text_content() or ""
    bench.locator(".thumb").nth(3).click()
    expect(bench.locator(".details-place")).not_to_have_text(before)
    page.wait_for_function(
        "() => { const place = [...document.querySelectorAll('.verdict-place')].find((one) => one.offsetParent);"
        "const top = place.getBoundingClientRect().top; return top > -5 && top < 100; }"
    )


@pytest.mark.parametrize("tab", ["histopathology", "chest-xray"])
def test_an_answer_moves_nothing(visit: Visit, tab: str) -> None:
    page = visit(f"?tab={tab}")
    bench = open_tab(page)
    for size in (PHONE, LAPTOP, DESKTOP):
        page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
        for number in (1, 2, 3, 4, 5, 0):
            page.evaluate("() => scrollTo(0, 0)")
            page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))")
            page.evaluate(COUNT_SHIFTS)
            bench.locator(".thumb").nth(number).click()
            expect(bench.locator(".thumb").nth(number)).to_have_attribute("aria-pressed", "true")
            answered(page)
            page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))")
            assert page.evaluate("window.shifts") < 0.05, (size, number)


def test_settings_redraw_the_card_and_ask_nothing(visit: Visit) -> None:
    page = visit("?tab=chest-xray")
    bench = open_tab(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    before = page.evaluate("[...document.querySelectorAll('.canvas')].find((one) => one.offsetParent).toDataURL()")
    bench.locator(".settings summary").click()
    for point in ("screening", "balanced", "rule-in"):
        bench.locator(".point").select_option(point)
        expect(bench.locator(".forced-line")).to_contain_text(f"forced at {point}:")
    bench.locator(".prevalence").fill("1")
    expect(bench.locator(".at-prevalence")).to_contain_text("Where 1 of 100 have it")
    after = page.evaluate("[...document.querySelectorAll('.canvas')].find((one) => one.offsetParent).toDataURL()")
    assert before == after
    for name in ("cells", "grey", "contours"):
        bench.locator(f"input.{name}").check()
    grid = page.evaluate("[...document.querySelectorAll('.canvas')].find((one) => one.offsetParent).toDataURL()")
    assert grid != before
    assert asked == []


def test_ppv_follows_bayes_rule(visit: Visit) -> None:
    bench = open_tab(visit("?tab=chest-xray"))
    bench.locator(".settings summary").click()
    bench.locator(".prevalence").fill("20")
    row = bench.locator("tr[data-point=balanced]")
    sensitivity, specificity = (
        float(row.get_attribute(f"data-{rate}") or 0) for rate in ("sensitivity", "specificity")
    )
    ppv = sensitivity * 0.2 / (sensitivity * 0.2 + (1 - specificity) * 0.8)
    npv = specificity * 0.8 / (specificity * 0.8 + (1 - sensitivity) * 0.2)
    expect(row.locator(".ppv")).to_have_text(f"{100 * ppv:.0f} %")
    expect(row.locator(".npv")).to_have_text(f"{100 * npv:.0f} %")


def test_a_link_opens_tab_example_and_model_and_the_address_follows(visit: Visit) -> None:
    page = visit("?tab=chest-xray&example=3&model=chest-xray-xception")
    bench = open_tab(page)
    expect(bench.locator(".thumb").nth(2)).to_have_attribute("aria-pressed", "true")
    expect(bench.locator(".model")).to_have_value("chest-xray-xception")
    expect(bench.locator(".details-place")).to_contain_text("chest-xray-xception")
    bench.locator(".thumb").nth(4).click()
    page.wait_for_url("**/?tab=chest-xray&example=5&model=chest-xray-xception")


def test_title_favicon_and_share_tags(visit: Visit, address: str) -> None:
    page = visit()
    assert page.title() == "Overread: a second reading, with its evidence"
    assert page.request.get(f"{address}/favicon.ico").headers["content-type"].startswith("image/")
    html = page.request.get(address).text()
    assert html.count('property="og:title"') == 1
    assert '<meta property="og:title" content="Overread' in html and "twitter:image" not in html


def test_two_visitors_at_once_get_their_own_answers(visit: Visit) -> None:
    first, second = visit("?tab=chest-xray&example=1"), visit("?tab=chest-xray&example=2")
    labels = [open_tab(page).locator(".label") for page in (first, second)]
    for number in (2, 4):
        open_tab(first).locator(".thumb").nth(number).click(no_wait_after=True)
        open_tab(second).locator(".thumb").nth(number + 1).click(no_wait_after=True)
        answered(first)
        answered(second)
        digests = [open_tab(page).locator(".details-place").text_content() for page in (first, second)]
        assert digests[0] != digests[1]
    assert all(label.count() == 1 for label in labels)
