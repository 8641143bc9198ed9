"""Any file in: chosen, dropped or pasted, in every format that we read; nothing of it stays anywhere."""

import base64
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.support.dicom_file import dicom
from tests.support.landscape import landscape
from ui.examples import examples

Visit = Callable[..., Page]
DROP = """([event, name, text]) => {
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name));
  const options = { bubbles: true, cancelable: true };
  const made = event === "paste" ? new ClipboardEvent("paste", { ...options, clipboardData: data })
    : new DragEvent(event, { ...options, dataTransfer: data });
  document.body.dispatchEvent(made);
  return made.defaultPrevented;
}"""


def film(kind: str) -> bytes:
    """Return a film in one of the formats; each differs from the others."""
    buffer = io.BytesIO()
    opened = Image.open(examples("chest-xray")[0].path).convert("L").resize((300, 240))
    if kind == "DICOM":
        return dicom(np.asarray(opened).astype(np.uint16) * 16, Modality="DX")
    if kind == "16-bit TIFF":
        Image.fromarray(np.asarray(opened).astype(np.uint16) * 256).save(buffer, "TIFF")
    else:
        opened.save(buffer, kind)
    return buffer.getvalue()


def bench_of(page: Page) -> Locator:
    return page.locator(".workbench:visible")


def digest_line(bench: Locator) -> str:
    return bench.locator(".details-place dd", has_text="(of the file)").text_content() or ""


def choose(bench: Locator, data: bytes, name: str) -> None:
    bench.locator(".file").set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": data})


def files_in(*folders: Path) -> set[Path]:
    return {file for folder in folders for file in folder.rglob("*") if file.is_file()}


def test_a_file_of_any_format_is_shown_and_answered(visit: Visit) -> None:
    page = visit("?tab=chest-xray")
    bench = bench_of(page)
    assert not bench.locator(".file").get_attribute("accept")  # the chooser offers every file, DICOM has no suffix
    for kind in ("DICOM", "TIFF", "16-bit TIFF", "PNG", "BMP", "WEBP", "GIF", "JPEG2000"):
        bench.locator(".thumb").nth(0).click()
        expect(bench.locator(".label")).to_be_visible()
        before = digest_line(bench)
        choose(bench, film(kind), "film.xyz")
        expect(bench.locator(".choose")).to_have_text("Replace")
        expect(bench.locator(".details-place")).not_to_contain_text(before)
        expect(bench.locator(".verdict .decision")).to_be_visible()
        expect(bench.locator(".label")).to_have_count(0)
        width = page.evaluate(
            "() => { const one = [...document.querySelectorAll('.workbench')].find((each) => each.offsetParent);"
            "return one.workbench.made.picture.view.picture.naturalWidth; }"
        )
        assert width == 448, kind


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_a_file_dropped_or_pasted_anywhere_replaces_the_one_before(visit: Visit, event: str) -> None:
    page = visit("?tab=chest-xray")
    bench = bench_of(page)
    seen = [digest_line(bench)]
    for number in (1, 2):
        text = base64.b64encode(examples("chest-xray")[number].path.read_bytes()).decode()
        assert page.evaluate(DROP, [event, "film.jpeg", text])
        expect(bench.locator(".details-place")).not_to_contain_text(seen[-1])
        seen.append(digest_line(bench))
    assert len(set(seen)) == 3
    expect(bench.locator(".verdict .decision")).to_be_visible()


def test_a_drop_goes_to_the_open_tab(visit: Visit) -> None:
    page = visit()
    page.get_by_role("tab", name="Chest X-ray").click()
    bench = bench_of(page)
    expect(bench.locator(".verdict .decision")).to_be_visible()
    before = digest_line(bench)
    page.evaluate(DROP, ["drop", "film.dcm", base64.b64encode(film("DICOM")).decode()])
    expect(bench.locator(".details-place")).not_to_contain_text(before)


def test_replace_opens_the_chooser(visit: Visit) -> None:
    bench = bench_of(visit("?tab=chest-xray"))
    choose(bench, film("PNG"), "film.png")
    button = bench.get_by_role("button", name="Replace")
    with bench.page.expect_file_chooser() as chooser:
        button.click()
    assert chooser.value.is_multiple()


def test_a_broken_file_is_explained_in_one_sentence_and_the_next_one_is_answered(visit: Visit) -> None:
    bench = bench_of(visit("?tab=chest-xray"))
    choose(bench, examples("chest-xray")[0].path.read_bytes()[:5000], "broken.jpeg")
    expect(bench.get_by_role("alert")).to_contain_text("damaged or cut off")
    expect(bench.locator(".verdict")).to_have_text("No answer.")
    expect(bench.locator(".cover")).to_be_disabled()
    bench.locator(".thumb").nth(0).click()
    expect(bench.locator(".verdict .decision")).to_be_visible()
    expect(bench.get_by_role("alert")).to_be_hidden()


def test_an_image_of_another_kind_is_refused_by_name_and_can_be_answered_anyway(visit: Visit) -> None:
    bench = bench_of(visit("?tab=chest-xray"))
    buffer = io.BytesIO()
    landscape().save(buffer, "PNG")
    choose(bench, buffer.getvalue(), "landscape.png")
    card = bench.locator(".verdict")
    expect(card).to_contain_text("This looks like a colour photograph, not")
    expect(card).not_to_contain_text("answer_anyway")
    expect(bench.get_by_role("status")).to_contain_text("Not read.")
    bench.get_by_role("button", name="Answer anyway").click()
    expect(card.locator(".warning")).to_contain_text("Answered anyway")
    bench.locator(".thumb").nth(0).click()
    expect(card.locator(".label")).to_be_visible()
    expect(card.locator(".warning")).to_have_count(0)


def test_the_privacy_line_is_true(visit: Visit, app_log: Path, uploads: Path, temporary: Path) -> None:
    page = visit("?tab=chest-xray")
    bench = bench_of(page)
    expect(bench.locator(".privacy")).to_have_text("Never stored, never logged, no cookies.")
    before = digest_line(bench)
    there = files_in(uploads, temporary)  # the libraries leave files of their own when the app starts
    large = np.random.default_rng(3).integers(0, 256, (1400, 1400), np.uint8)  # 2 MB: more than a form keeps in memory
    buffer = io.BytesIO()
    Image.fromarray(large).save(buffer, "PNG")
    choose(bench, buffer.getvalue(), "Jane-Roe.png")
    bench.get_by_role("button", name="Answer anyway").click()
    expect(bench.locator(".details-place")).not_to_contain_text(before)
    bench.locator(".cover").click()
    expect(bench.locator(".cover-result")).to_contain_text("becomes")
    assert files_in(uploads, temporary) == there
    assert "Jane" not in app_log.read_text()
    assert page.context.cookies() == []
    assert page.evaluate("Object.keys(localStorage).concat(Object.keys(sessionStorage))") == []
