"""The page as a visitor meets it: nothing is sent, it works offline, every refusal has a way on."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from overread.prediction import DISCLAIMER
from tests.support.landscape import landscape
from tests.support.static_server import served
from tests.web.visiting import answers, ask, give, open_tab
from ui.domains import DOMAINS
from ui.examples import examples
from web.draw_icons import ICONS

FILM, PATCH = examples("chest-xray")[1].path, examples("histopathology")[1].path
WEB = Path(__file__).parents[2] / "web"


@pytest.fixture
def unisolated(built: Path) -> Iterator[str]:
    """The page from a server without the headers that isolate it, such as GitHub Pages."""
    with served(built, headers={}) as url:
        yield url


def kept(page: Page) -> None:
    """Wait until the service worker has kept the page."""
    page.evaluate("() => navigator.serviceWorker.ready")
    page.wait_for_function("() => navigator.serviceWorker.controller")


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_page_asks_its_own_address_only_and_nothing_for_an_image(page: Page, address: str, domain: str) -> None:
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    panel = open_tab(page, address, domain)
    kept(page)
    assert asked and all(url.startswith(f"{address}/") or url.startswith("blob:") for url in asked)
    asked.clear()
    ask(panel, FILM if domain == "chest-xray" else PATCH)
    answers(page, panel, [example.path for example in examples(domain)][:2])
    panel.locator(".more summary").click()
    panel.locator("input.contours").check()
    assert [url for url in asked if not url.startswith("blob:")] == []


def test_another_host_is_out_of_reach_of_every_script_on_the_page(visitor: Page, address: str) -> None:
    visitor.goto(address)
    policy = visitor.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content") or ""
    assert "connect-src 'self' blob:" in policy and "default-src 'self'" in policy
    with served(WEB / "public") as elsewhere:
        assert visitor.evaluate("(url) => fetch(url).then(() => 'reached', () => 'refused')", elsewhere) == "refused"


def test_without_a_network_it_opens_and_answers(page: Page, built: Path) -> None:
    with served(built) as url:
        open_tab(page, url, "histopathology")
        kept(page)
    # The server is gone: whatever comes now was kept.
    page.reload()
    panel = page.locator("#panel-histopathology")
    panel.locator(".verdict .probability").wait_for()
    page.locator("#tab-chest-xray").click()
    panel = page.locator("#panel-chest-xray")
    panel.locator(".verdict .probability").wait_for()
    expect(panel.locator(".label")).to_contain_text(examples("chest-xray")[0].label)


def test_threads_where_the_server_isolates_the_page_and_after_a_reload_elsewhere(
    page: Page, address: str, unisolated: str
) -> None:
    open_tab(page, address, "histopathology")
    assert page.evaluate("crossOriginIsolated")
    open_tab(page, unisolated, "histopathology")
    assert not page.evaluate("crossOriginIsolated")
    expect(page.locator(".runtime")).to_contain_text("1 thread)")
    kept(page)
    page.reload()
    page.locator("#panel-histopathology .verdict .probability").wait_for()
    assert page.evaluate("crossOriginIsolated")


def test_it_can_be_installed(visitor: Page, address: str) -> None:
    visitor.goto(address)
    manifest = visitor.request.get(f"{address}/{visitor.locator('link[rel=manifest]').get_attribute('href')}").json()
    assert manifest["display"] == "standalone" and manifest["start_url"] == "./"
    for icon in manifest["icons"]:
        got = visitor.request.get(f"{address}/{icon['src']}")
        assert got.ok
        if icon["type"] == "image/png":
            with Image.open(io.BytesIO(got.body())) as image:
                assert "{}x{}".format(*image.size) == icon["sizes"]
                corner = image.convert("RGBA").getpixel((0, 0))
            assert isinstance(corner, tuple) and corner[3] == (255 if icon["purpose"] == "maskable" else 0)
    wanted = {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")}
    assert wanted <= {(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]}
    assert visitor.request.get(f"{address}/{visitor.locator('link[rel=apple-touch-icon]').get_attribute('href')}").ok


def test_the_icons_are_drawn_from_the_svg(tmp_path: Path) -> None:
    script = f"from pathlib import Path; from web.draw_icons import draw; draw(Path({str(tmp_path)!r}))"
    subprocess.run([sys.executable, "-c", script], cwd=WEB.parent, check=True, timeout=120)
    for name in ICONS:
        drawn, kept = (
            np.asarray(Image.open(folder / name).convert("RGBA"), float) for folder in (tmp_path, WEB / "public")
        )
        assert np.abs(drawn - kept).mean() < 1, f"{name}: run python -m web.draw_icons"


def test_a_refused_image_is_answered_anyway_with_a_warning(visitor: Page, address: str, tmp_path: Path) -> None:
    panel = open_tab(visitor, address, "chest-xray")
    landscape().save(tmp_path / "holiday.png")
    card = ask(panel, tmp_path / "holiday.png")
    expect(card).to_contain_text("chest film")
    expect(panel.locator(".save-json")).to_be_disabled()
    card.locator(".anyway").click()
    expect(panel.locator(".verdict .warning")).to_contain_text("Answered anyway")


def test_a_worker_that_cannot_be_loaded_is_said_and_started_anew(browser: Browser, address: str) -> None:
    context = browser.new_context(service_workers="block")
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.route("**/assets/worker-*.js", lambda route: route.abort())
    page.goto(f"{address}/#histopathology")
    panel = page.locator("#panel-histopathology")
    expect(panel.locator(".verdict")).to_contain_text("the models' worker cannot be loaded")
    page.unroute("**/assets/worker-*.js")
    panel.locator(".thumb").nth(1).click()
    expect(panel.locator(".label")).to_contain_text(examples("histopathology")[1].label)
    context.close()


def test_a_table_can_be_saved_though_its_first_file_has_no_answer(visitor: Page, address: str, tmp_path: Path) -> None:
    panel = open_tab(visitor, address, "histopathology")
    expect(panel.locator(".question")).not_to_contain_text("slide")
    (tmp_path / "text.txt").write_text("no picture")
    saved = answers(visitor, panel, [tmp_path / "text.txt", PATCH])
    assert "error" in saved[0] and "probability" in saved[1]


def test_several_files_make_a_table_that_opens_each_and_is_saved(visitor: Page, address: str, tmp_path: Path) -> None:
    panel = open_tab(visitor, address, "histopathology")
    formula = tmp_path / "=2+3.png"
    with Image.open(PATCH) as patch:
        patch.save(formula)
    (tmp_path / "text.txt").write_text("no picture")
    saved = answers(visitor, panel, [formula, PATCH, tmp_path / "text.txt"])
    assert saved[0]["probability"] == saved[1]["probability"] and "not a picture" in saved[2]["error"]
    with visitor.expect_download() as download:
        panel.locator(".batch-csv").click()
    with Path(download.value.path()).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == ["'=2+3.png", PATCH.name, "text.txt"]
    assert rows[0]["disclaimer"] == DISCLAIMER
    panel.locator("[data-row='1']").click()
    expect(panel.locator(".label")).to_contain_text(examples("histopathology")[1].label)
    with visitor.expect_download() as download:
        panel.locator(".save-json").click()
    assert json.loads(Path(download.value.path()).read_text())["image_sha256"] == examples("histopathology")[1].sha256


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_it_fits_and_is_accessible(browser: Browser, address: str, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(60_000)
    panel = open_tab(page, address, "chest-xray")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    panel.locator(".settings summary").click()
    panel.locator(".more summary").click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.locator("#tab-about").click()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    context.close()


def test_a_second_choice_wins_over_the_first(visitor: Page, address: str) -> None:
    panel = open_tab(visitor, address, "histopathology")
    for number in (3, 4, 5):
        panel.locator(".thumb").nth(number).click()
    expect(panel.locator(".thumb").nth(5)).to_have_attribute("aria-pressed", "true")
    expect(panel.locator(".label")).to_contain_text(examples("histopathology")[5].label)
    give(panel, examples("histopathology")[2].path)
    expect(panel.locator(".thumb").nth(2)).to_have_attribute("aria-pressed", "true")


def test_no_lock_file_names_a_registry() -> None:
    for project in (WEB, WEB.parent / "examples"):
        text = (project / "package-lock.json").read_text(encoding="utf-8")
        assert '"resolved"' not in text and text.count('"integrity"') > 10
