"""Fields of view, and patches of another scale: the page asks for the scale or reads it, and answers as Python does."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from overread.classifier import Classifier
from overread.errors import InputError
from tests.support.dicom_file import dicom
from tests.support.landscape import landscape
from tests.web.comparison import compare, default_net
from tests.web.visiting import answered, answers, ask, batch_answers, open_tab
from ui.examples import examples

UM_PER_INCH = 25_400
SIZES = {
    "patch": (96, 96),
    "10x": (112, 100),
    "20x": (200, 196),
    "40x": (400, 390),
    "small": (60, 96),
    "wide": (700, 300),
}


@pytest.fixture(scope="module")
def panel(visitor: Page, address: str) -> Locator:
    return open_tab(visitor, address, "histopathology")


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return default_net("histopathology")


def tissue(size: tuple[int, int]) -> Image.Image:
    """Return an example, enlarged."""
    with Image.open(examples("histopathology")[0].path) as patch:
        return patch.convert("RGB").resize(size, Image.Resampling.BICUBIC)


@pytest.fixture
def fields(tmp_path: Path) -> list[Path]:
    files = [tmp_path / f"{name}.png" for name in SIZES]
    for file, size in zip(files, SIZES.values(), strict=True):
        tissue(size).save(file)
    return files


@pytest.mark.parametrize(
    ("option", "mpp", "squash"),
    [('{"mpp":0.25}', 0.25, False), ('{"mpp":0.5}', 0.5, False), ('{"squash":1}', None, True)],
)
def test_a_table_of_files_is_read_at_the_chosen_scale(
    visitor: Page,
    panel: Locator,
    classifier: Classifier,
    fields: list[Path],
    option: str,
    mpp: float | None,
    squash: bool,
) -> None:
    for saved, file in zip(answers(visitor, panel, fields), fields, strict=True):
        compare(saved, classifier, file)
    panel.locator(".stack-scale").select_option(option)
    found = [
        compare(saved, classifier, file, mpp, squash)
        for saved, file in zip(batch_answers(visitor, panel, fields), fields, strict=True)
    ]
    assert any(found)
    panel.locator(".stack-scale").select_option("")
    batch_answers(visitor, panel, fields)


def scaled_files(folder: Path) -> list[Path]:
    """Return files that say their scale, and some that say what is no microscope's."""
    picture, dpi = tissue((200, 196)), UM_PER_INCH / 0.486
    exif = Image.Exif()
    exif[0x011A], exif[0x011B], exif[0x0128] = dpi / 2.54, dpi / 2.54, 3
    save: dict[str, Callable[[Path], object]] = {
        "half.png": lambda file: picture.save(file, dpi=(dpi, dpi)),
        "half.jpg": lambda file: picture.save(file, dpi=(dpi, dpi), quality=95),
        "half.bmp": lambda file: picture.save(file, dpi=(dpi, dpi)),
        "half.tif": lambda file: picture.save(file, dpi=(dpi, dpi)),
        "centimetres.tif": lambda file: picture.save(file, resolution=dpi / 2.54, resolution_unit="cm"),
        "same.png": lambda file: tissue((110, 100)).save(file, dpi=(UM_PER_INCH / 0.93, UM_PER_INCH / 0.93)),
        "oblong.png": lambda file: tissue((192, 96)).save(file, dpi=(dpi, dpi / 2)),
        "large.png": lambda file: tissue((400, 300)).save(file, dpi=(dpi, dpi)),
        "screen.png": lambda file: picture.save(file, dpi=(96, 96)),
        "exif.jpg": lambda file: picture.save(file, exif=exif, quality=95),
        "spacing.dcm": lambda file: file.write_bytes(_dicom(picture)),
    }
    for name, write in save.items():
        write(folder / name)
    return [folder / name for name in save]


def _dicom(picture: Image.Image) -> bytes:
    colours = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    size = {"Rows": picture.height, "Columns": picture.width, "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}
    return dicom(np.asarray(picture), Modality="SM", PixelSpacing=[0.000486, 0.000486], **colours, **size)


def test_a_scale_in_the_file_is_read_as_python_reads_it(
    visitor: Page, panel: Locator, classifier: Classifier, tmp_path: Path
) -> None:
    files = scaled_files(tmp_path)
    saved = answers(visitor, panel, files)
    found = [compare(one, classifier, file) for one, file in zip(saved, files, strict=True)]
    assert sum("pixels per inch in the file" in " ".join(one.notes) for one in found if one) >= 6


def test_a_field_of_unknown_scale_asks_for_it_in_place_of_an_answer(
    panel: Locator, classifier: Classifier, tmp_path: Path
) -> None:
    tissue((200, 196)).save(tmp_path / "field.png")
    ask(panel, tmp_path / "field.png")
    question = panel.locator(".slide-question")
    expect(question.locator("h2")).to_have_text("At which magnification was it taken?")
    expect(question.locator(".slide-why")).to_have_text(
        "The file does not say its scale, and 200 x 196 px are no patch of 96 px."
    )
    expect(question.locator("small").nth(1)).to_have_text("0.5 µm/px: 0.10 mm x 0.098 mm")
    expect(panel.locator("canvas")).to_have_attribute("aria-label", "The picture that was not read")
    question.get_by_role("button", name="20x").click()
    answered(panel)
    said = " ".join(panel.locator(".verdict .note").all_inner_texts())
    assert all(note in said for note in classifier.predict(tmp_path / "field.png", mpp=0.5).notes)


def test_a_field_larger_than_a_patch_is_refused_in_the_apps_words_and_may_have_another_scale(
    panel: Locator, classifier: Classifier, tmp_path: Path
) -> None:
    file = tmp_path / "field.png"
    tissue((700, 600)).save(file)
    ask(panel, file)
    panel.locator(".slide-mpp").fill("0.6")
    panel.locator(".slide-own button").click()
    answered(panel)
    with pytest.raises(InputError) as larger:
        classifier.predict(file, mpp=0.6)
    expect(panel.locator(".verdict p").first).to_have_text(str(larger.value))
    panel.locator(".another-scale").click()
    expect(panel.locator(".slide-why")).to_have_text("Choose another scale.")
    panel.get_by_role("button", name="It is one 96 px patch").click()
    answered(panel)
    expect(panel.locator(".verdict .note").last).to_contain_text("700 x 600 px and was squashed")


def test_of_a_photograph_nobody_is_asked_the_scale(panel: Locator, tmp_path: Path) -> None:
    landscape().save(tmp_path / "holiday.png")
    ask(panel, tmp_path / "holiday.png")
    expect(panel.locator(".slide-question")).to_have_count(0)
    expect(panel.locator(".verdict .anyway")).to_be_visible()
