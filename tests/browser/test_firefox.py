"""The page in Firefox, where one is installed: each state once, on a desktop and on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dicom_file import dicom
from tests.support.firefox import FIREFOX, Tab, firefox
from tests.support.landscape import landscape

pytestmark = pytest.mark.skipif(FIREFOX is None, reason="no Firefox is installed")

BENCH = "[...document.querySelectorAll('.workbench')].find((one) => one.offsetParent)"
# The shown picture's pixels, under the map, on a canvas of its own; returns how much they vary.
SPREAD = """(() => {
  const { picture, size: [width, height] } = BENCH.workbench.made.picture.view;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  context.drawImage(picture, 0, 0);
  const greys = context.getImageData(0, 0, width, height).data.filter((_, at) => at % 4 === 0);
  return new Set(greys).size;
})()""".replace("BENCH", BENCH)


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with firefox(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


def found(selector: str) -> str:
    return f"{BENCH}?.querySelector({selector!r})"


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
@pytest.mark.parametrize("domain", ["histopathology", "chest-xray"])
def test_an_example_is_answered_covered_and_compared(
    tab: Tab, address: str, domain: str, width: int, height: int
) -> None:
    tab.resize(width, height)
    tab.open(f"{address}/?tab={domain}")
    tab.wait(found(".verdict .decision"))
    assert tab.run("document.documentElement.scrollWidth") <= width
    before = tab.run(f"{found('.details-place')}.textContent")
    tab.run(f"{found('.thumb:nth-child(2)')}.click()")
    tab.wait(f"{found('.details-place')}.textContent !== {before!r} && !{BENCH}.ariaBusy")
    for box in ("cells", "contours", "grey"):
        tab.run(f"{found(f'input.{box}')}.click()")
    tab.run(f"{found('.cover')}.click()")
    tab.wait(f"{found('.cover-result')}.textContent.includes('becomes')")
    tab.run(f"{found('.compare')}.click()")
    tab.wait(f"{BENCH}.querySelectorAll('.comparison figure').length >= 3")
    assert tab.run(f"{found('.error')}.hidden")


def test_a_refused_picture_is_shown_and_answered_anyway(tab: Tab, address: str, tmp_path: Path) -> None:
    landscape().save(tmp_path / "landscape.png")
    tab.open(f"{address}/?tab=chest-xray")
    tab.wait(found(".verdict .decision"))
    tab.choose(".workbench.chest-xray .file", tmp_path / "landscape.png")
    tab.wait(found(".anyway"))
    assert tab.run(SPREAD) > 20
    tab.run(f"{found('.anyway')}.click()")
    tab.wait(found(".verdict .warning"))


def test_the_window_of_a_dicom_film_is_moved(tab: Tab, address: str, tmp_path: Path) -> None:
    (tmp_path / "film.dcm").write_bytes(dicom(Modality="DX", BodyPartExamined="CHEST"))
    tab.open(f"{address}/?tab=chest-xray")
    tab.wait(found(".verdict .decision"))
    tab.choose(".workbench.chest-xray .file", tmp_path / "film.dcm")
    tab.wait(found(".anyway") + " || " + found(".window:enabled:not([hidden])"))
    if tab.run(f"Boolean({found('.anyway')})"):
        tab.run(f"{found('.anyway')}.click()")
        tab.wait(found(".window:enabled:not([hidden])"))
    before = tab.run(SPREAD)
    tab.run(f"(() => {{ const s = {found('.window .width')}; s.value = 20; s.dispatchEvent(new Event('input')); }})()")
    assert tab.run(SPREAD) < before
