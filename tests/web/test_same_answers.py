"""The page against Python: answers, guard, maps and words."""

import io
import re
from html import unescape
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Locator, Page
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless

import overread
from overread.catalogue import Domain, catalogue
from overread.classifier import Classifier
from overread.reported_figures import on_test_split
from tests.support.dicom_file import dicom
from tests.support.landscape import landscape
from tests.web.comparison import LOG_ODDS, NETS, compare, default_net
from tests.web.visiting import answers, ask, open_tab
from ui.domains import DOMAINS
from ui.examples import EXAMPLES, example_of, examples
from ui.verdict import Context, verdict_html

REAL: dict[Domain, int] = {"histopathology": 140, "chest-xray": 60}  # pictures


@pytest.fixture(scope="module", params=DOMAINS)
def domain(request: pytest.FixtureRequest) -> Domain:
    found: Domain = request.param
    return found


@pytest.fixture(scope="module")
def panel(visitor: Page, address: str, domain: Domain) -> Locator:
    return open_tab(visitor, address, domain)


@pytest.fixture(scope="module")
def classifier(domain: Domain) -> Classifier:
    return default_net(domain)


def made(domain: Domain, folder: Path) -> list[Path]:
    """Return images of sizes, orientations, colours and contents that the page must treat as Python does."""
    example = Image.open(next(one.path for one in examples(domain))).convert("RGB")
    turned = Image.Exif()
    turned[0x0112] = 6
    alpha = example.convert("RGBA")
    alpha.putalpha(Image.linear_gradient("L").resize(example.size).point(lambda value: 128 + value // 2))
    other: Domain = "chest-xray" if domain == "histopathology" else "histopathology"
    images = {
        "inverted.png": ImageOps.invert(example),
        "sideways.png": example.transpose(Image.Transpose.ROTATE_90),
        "upside-down.png": example.transpose(Image.Transpose.ROTATE_180),
        "tinted.png": ImageOps.colorize(example.convert("L"), "#000010", "#fffae0"),
        "grey.png": landscape().convert("L"),
        "landscape.png": landscape(),
        "blank.png": Image.new("RGB", (300, 300), (128, 128, 128)),
        "noise.png": Image.effect_noise((640, 640), 60),
        "transparent.png": alpha,
        "small.png": Image.new("RGB", (20, 40)),
        "wide.png": example.resize((1337, 421)),
        "nearly.png": ImageOps.expand(example.resize((96, 96)), 7, "white"),
        "other.png": Image.open(next(one.path for one in examples(other))),
    }
    files = []
    for name, image in images.items():
        image.save(folder / name)
        files.append(folder / name)
    example.save(folder / "turned.jpg", exif=turned, quality=95)
    (folder / "text.png").write_text("no picture")
    (folder / "empty.png").write_bytes(b"")
    cut = io.BytesIO()
    example.save(cut, "PNG")
    (folder / "cut.png").write_bytes(cut.getvalue()[:-2000])
    return [*files, *(folder / name for name in ("turned.jpg", "text.png", "empty.png", "cut.png"))]


def test_examples_and_made_images(
    visitor: Page, panel: Locator, domain: Domain, classifier: Classifier, tmp_path: Path
) -> None:
    files = [*(example.path for example in examples(domain)), *made(domain, tmp_path)]
    for saved, file in zip(answers(visitor, panel, files), files, strict=True):
        compare(saved, classifier, file)


def test_real_pictures(
    visitor: Page, panel: Locator, domain: Domain, classifier: Classifier, real_data: Path, tmp_path: Path
) -> None:
    files = real_pictures(domain, real_data, tmp_path)
    for saved, file in zip(answers(visitor, panel, files), files, strict=True):
        compare(saved, classifier, file)


def real_pictures(domain: Domain, real_data: Path, folder: Path) -> list[Path]:
    """Return evenly chosen files of the test split, as they are stored there."""
    import pyarrow.parquet as pq

    name = "PatchCamelyon" if domain == "histopathology" else "chest-xray-pneumonia"
    rows = [
        image["bytes"]
        for part in sorted((real_data / name).rglob("test-*.parquet"))
        for image in pq.read_table(part, columns=["image"])["image"].to_pylist()
    ]
    if not rows:
        pytest.skip(f"no test pictures of {name}")
    chosen = rows[:: max(1, len(rows) // REAL[domain])][: REAL[domain]]
    files = [folder / f"{number:03}.img" for number in range(len(chosen))]
    for file, data in zip(files, chosen, strict=True):
        file.write_bytes(data)
    return files


def test_an_ensemble_and_its_members(visitor: Page, panel: Locator, domain: Domain) -> None:
    name = next(entry.name for entry in catalogue().values() if entry.members and entry.domain == domain)
    panel.locator(".model").select_option(name)
    files = [example.path for example in examples(domain)][:3]
    saved = answers(visitor, panel, files)
    panel.locator(".model").select_option(NETS[domain])
    ensemble = overread.load(name)
    for answer, file in zip(saved, files, strict=True):
        expected = ensemble.predict(file)
        assert answer["log_odds"] == pytest.approx(expected.log_odds, abs=LOG_ODDS)
        assert answer["members"] == pytest.approx(expected.members, abs=0.01)
        assert sum(map(sum, answer["heatmap"]["values"])) + answer["heatmap"]["bias"] == pytest.approx(
            answer["log_odds"], abs=1e-3
        )


def test_the_card_says_what_the_apps_card_says(panel: Locator, domain: Domain, classifier: Classifier) -> None:
    name = classifier.identity.name
    for example in examples(domain):
        said = words(ask(panel, EXAMPLES / example.file).inner_html())
        prediction = classifier.predict(example.path)
        context = Context(classifier.config, DOMAINS[domain], on_test_split(name), example_of(prediction.image_sha256))
        expected = words(verdict_html(prediction, context))
        assert SHARE.sub("", said) == SHARE.sub("", expected)
        # A share just beside a half per cent is rounded up by one runtime and down by the other.
        for share, other in zip(SHARE.findall(said), SHARE.findall(expected), strict=True):
            assert int(share) == pytest.approx(int(other), abs=1)


SHARE = re.compile(r"(\d+) % of the evidence")


def words(html: str) -> str:
    """Return the text of HTML, its spaces evened out."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


CHEST_DICOM = {
    "plain": {},
    "inverted": {"PhotometricInterpretation": "MONOCHROME1"},
    "window": {"WindowCenter": 2000, "WindowWidth": 3000, "RescaleSlope": 1, "RescaleIntercept": 0},
    "tags": {"Modality": "DX", "PatientAge": "045Y", "ViewPosition": "PA"},
    "lateral": {"Modality": "CR", "ViewPosition": "LL", "PatientAge": "003Y"},
    "other-modality": {"Modality": "CT"},
    "hand": {"Modality": "DX", "BodyPartExamined": "HAND"},
}


def encapsulated(file: bytes, codestream: bytes) -> bytes:
    """Return the DICOM file with its pixels in JPEG 2000."""
    dataset = pydicom.dcmread(io.BytesIO(file))
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    dataset.PixelData = encapsulate([codestream])
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_dicom(visitor: Page, address: str, tmp_path: Path) -> None:
    panel = open_tab(visitor, address, "chest-xray")
    film = np.asarray(Image.open(examples("chest-xray")[0].path).convert("L").resize((640, 480)), np.uint16) * 16
    files = []
    for name, attributes in CHEST_DICOM.items():
        pixels = 4080 - film if name == "inverted" else film
        files.append(tmp_path / f"{name}.dcm")
        files[-1].write_bytes(dicom(pixels, **attributes))
    for name, data in {
        "report": dicom(None),
        "cut": dicom(film)[:4000],
        "signed": dicom(film.astype(np.int16) - 2000, PixelRepresentation=1),
        "bytes": dicom((film // 16).astype(np.uint8), BitsAllocated=8, BitsStored=8, HighBit=7),
        "colour": dicom(
            np.stack([film // 16] * 3, axis=-1).astype(np.uint8),
            SamplesPerPixel=3,
            PhotometricInterpretation="RGB",
            PlanarConfiguration=0,
            BitsAllocated=8,
            BitsStored=8,
            HighBit=7,
            Rows=480,
            Columns=640,
        ),
        "jpeg-2000": encapsulated(dicom(film), imagecodecs.jpeg2k_encode(film, bitspersample=12, codecformat="j2k")),
        "jpeg-2000-cut": encapsulated(dicom(film), imagecodecs.jpeg2k_encode(film, codecformat="j2k")[:99]),
    }.items():
        files.append(tmp_path / f"{name}.dcm")
        files[-1].write_bytes(data)
    classifier = default_net("chest-xray")
    for saved, file in zip(answers(visitor, panel, files), files, strict=True):
        compare(saved, classifier, file)
