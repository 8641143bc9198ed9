"""Many pictures or a zip in the drop zone: a table, and one bad file never spoils the rest."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from overread.stack.outcome import CSV_COLUMNS
from tests.support.axe import assert_accessible
from tests.support.landscape import landscape
from ui.examples import examples

Visit = Callable[..., Page]


def png(image: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")  # type: ignore[attr-defined]
    return buffer.getvalue()


def payload(name: str, data: bytes) -> dict[str, object]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def stack() -> list[dict[str, object]]:
    """Return three films, a landscape that the guard refuses, and a file that is cut off."""
    films = [payload(f"film-{number}.jpeg", examples("chest-xray")[number].path.read_bytes()) for number in (0, 1, 4)]
    return [*films, payload("=holiday.png", png(landscape())), payload("cut-off.jpeg", films[0]["buffer"][:4000])]


def zipped(**more: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for number in (0, 1):
            file.writestr(f"films/film-{number}.jpeg", examples("chest-xray")[number].path.read_bytes())
        for name, data in more.items():
            file.writestr(name, data)
    return buffer.getvalue()


def bench_of(page: Page) -> Locator:
    return page.locator(".workbench:visible")


def read(bench: Locator, count: int) -> None:
    expect(bench.locator(".stack-progress-text")).to_contain_text(f"{count} of {count} read", timeout=120_000)


def lines(bench: Locator) -> dict[str, str]:
    """Return the reading by file name, of the rows that are shown, in their order."""
    shown = bench.locator(".stack-table tbody tr:visible").all()
    return {row.locator(".stack-name").inner_text(): row.locator(".stack-reading").inner_text() for row in shown}


def test_many_files_make_a_table_that_is_sorted_filtered_and_saved(visit: Visit, tmp_path: Path) -> None:
    page = visit("?tab=chest-xray")
    bench = bench_of(page)
    bench.locator(".file").set_input_files(stack())
    read(bench, 5)
    expect(bench.locator(".stack-progress-text")).to_contain_text("2 without an answer")
    before = lines(bench)
    assert list(before) == ["film-0.jpeg", "film-1.jpeg", "film-4.jpeg", "=holiday.png", "cut-off.jpeg"]
    assert before["=holiday.png"] == before["cut-off.jpeg"] == "Not read"
    expect(bench.locator("tr", has_text="cut-off.jpeg").locator(".stack-warning")).to_contain_text("damaged or cut off")
    assert bench.locator(".stack-table img").count() == 4

    head = bench.get_by_role("columnheader", name="Probability")
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(head.get_by_role("button")).to_be_focused()
    with page.expect_download() as downloading:
        bench.get_by_role("button", name="Answers (JSON)").click()
    documents = json.loads(downloading.value.path().read_text())
    by_name = {document["image"]: document for document in documents}
    probability = {name: document.get("probability", -1) for name, document in by_name.items()}
    shown = [probability[name] for name in lines(bench)]
    assert shown == sorted(shown, reverse=True)

    bench.locator(".stack-which").select_option("none")
    assert set(lines(bench)) == {"=holiday.png", "cut-off.jpeg"}
    bench.locator(".stack-text").fill("holi")
    assert set(lines(bench)) == {"=holiday.png"}
    bench.locator(".stack-text").fill("nothing like it")
    expect(bench.locator(".stack-empty")).to_be_visible()

    with page.expect_download() as downloading:
        bench.get_by_role("button", name="Table (CSV)").click()
    rows = list(csv.DictReader(io.StringIO(downloading.value.path().read_bytes().decode(), newline="")))
    assert tuple(rows[0]) == CSV_COLUMNS and len(rows) == 5
    assert rows[3]["file"] == "'=holiday.png"  # no formula to a spreadsheet
    assert float(rows[0]["probability"]) == by_name["film-0.jpeg"]["probability"]
    assert rows[3]["guard"] == "refused" and rows[4]["error"]


def test_a_row_opens_its_full_answer_and_there_is_a_way_back(visit: Visit) -> None:
    bench = bench_of(visit("?tab=chest-xray"))
    bench.locator(".file").set_input_files(stack())
    read(bench, 5)
    percent = bench.locator("tr", has_text="film-1.jpeg").locator(".stack-probability b").inner_text()
    bench.get_by_role("button", name="film-1.jpeg").click()
    expect(bench.locator(".stage[data-taker=picture] .verdict .probability b")).to_have_text(percent)
    expect(bench.locator(".canvas")).to_be_visible()
    bench.get_by_role("button", name="Back to the stack (5)").click()
    expect(bench.locator(".stack-table")).to_be_visible()
    expect(bench.get_by_role("button", name="Back to the stack")).to_have_count(0)
    bench.get_by_role("button", name="=holiday.png").click()
    expect(bench.get_by_role("button", name="Answer anyway")).to_be_visible()


def test_a_stack_is_stopped_and_gone_on_with_while_single_pictures_are_answered(visit: Visit) -> None:
    page = visit("?tab=chest-xray")
    bench = bench_of(page)
    waiting: list[object] = []
    page.route("**/page/row?*", lambda route: waiting.append(route))  # none is answered yet
    bench.locator(".file").set_input_files(stack())
    expect(bench.locator(".stack-progress-text")).to_contain_text("0 of 5 read")
    bench.locator(".thumb").nth(2).click()
    expect(bench.locator(".stage[data-taker=picture] .label")).to_be_visible()
    bench.get_by_role("button", name="Back to the stack").click()
    bench.get_by_role("button", name="Stop").click()
    expect(bench.locator(".stack-progress-text")).to_contain_text("0 of 5 read, stopped")
    page.unroute("**/page/row?*")
    bench.get_by_role("button", name="Go on").click()
    read(bench, 5)


def test_a_zip_is_opened_in_the_browser_and_is_not_trusted(visit: Visit) -> None:
    page = visit("?tab=chest-xray")
    bench = bench_of(page)
    sent: list[int] = []
    page.on(
        "request", lambda request: sent.append(len(request.post_data_buffer or b"")) if "/row?" in request.url else None
    )
    hostile = {"../out.jpeg": b"x", "inner.zip": b"PK", "bomb.bmp": bytes(20 * 2**20), "notes.txt": b"see the report"}
    bench.locator(".file").set_input_files(payload("films.zip", zipped(**hostile)))
    read(bench, 6)
    found = lines(bench)
    assert found.pop("films/film-0.jpeg") != "Not read" and found.pop("films/film-1.jpeg") != "Not read"
    assert set(found.values()) == {"Not read"}
    reasons = {
        row.locator(".stack-name").inner_text(): row.locator(".stack-warning").inner_text()
        for row in bench.locator(".stack-table tbody tr").all()
    }
    assert reasons["../out.jpeg"] == "Its name leads out of the zip."
    assert reasons["bomb.bmp"].startswith("It unpacks to more than 100 times")
    assert reasons["inner.zip"].startswith("It is a zip inside the zip")
    assert reasons["notes.txt"].startswith("This is not a picture")
    assert len(sent) == 3 and max(sent) < 2**20  # two films and the text: nothing else reached the server
    bench.get_by_role("button", name="films/film-1.jpeg").click()
    expect(bench.locator(".stage[data-taker=picture] .verdict .decision")).to_be_visible()


def test_a_damaged_zip_is_one_sentence(visit: Visit) -> None:
    bench = bench_of(visit("?tab=chest-xray"))
    bench.locator(".file").set_input_files(payload("films.zip", zipped()[:-60]))
    expect(bench.locator(".stack-problems")).to_have_text("films.zip is damaged or no zip: save it again.")
    expect(bench.locator(".stack-title")).to_have_text("0 pictures")


def test_a_stack_has_a_limit_that_is_said(visit: Visit) -> None:
    page = visit("?tab=chest-xray")
    bench = bench_of(page)
    page.route("**/page/row?*", lambda route: route.fulfill(status=503, json={"error": "Busy.", "title": "busy"}))
    bench.locator(".file").set_input_files([payload(f"{number}.png", b"x") for number in range(502)])
    expect(bench.locator(".stack-problems")).to_contain_text("A stack holds up to 500 pictures: the first 500 are read")
    expect(bench.locator(".stack-title")).to_have_text("500 pictures")


def test_a_stack_passes_axe_and_fits(visit: Visit) -> None:
    page = visit("?tab=chest-xray")
    bench = bench_of(page)
    bench.locator(".file").set_input_files(stack())
    read(bench, 5)
    assert_accessible(page)
    bench.locator(".model").select_option(index=1)
    expect(bench.get_by_role("button", name="Read again")).to_be_visible()
    bench.get_by_role("button", name="film-0.jpeg").click()
    expect(bench.get_by_role("button", name="Back to the stack")).to_be_visible()
    assert_accessible(page)
