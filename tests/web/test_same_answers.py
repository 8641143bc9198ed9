"""The page against Python: answers, guard, maps and words."""

import io
import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps
from playwright.sync_api import Locator, Page

import overread
from overread.catalogue import Domain, catalogue
from overread.classifier import Classifier
from overread.errors import InputError, RefusedImageError
from overread.images import READABLE
from overread.prediction import Prediction
from overread.reported_figures import on_test_split
from tests.support.dicom_file import dicom
from tests.support.landscape import landscape
from tests.web.visiting import answers, ask, open_tab
from ui.domains import DOMAINS
from ui.examples import EXAMPLES, example_of, examples
from ui.verdict import Context, verdict_html
from web.sentences import READABLE_HERE

LOG_ODDS, LEVELS = 0.05, 0.002  # the largest differences: of the log-odds, and of a cell
REAL: dict[Domain, int] = {"histopathology": 140, "chest-xray": 60}  # pictures
NETS: dict[Domain, str] = {}
for entry in catalogue().values():
    if not entry.members:
        NETS.setdefault(entry.domain, entry.name)
Saved = dict[str, Any]


@pytest.fixture(scope="module", params=DOMAINS)
def domain(request: pytest.FixtureRequest) -> Domain:
    found: Domain = request.param
    return found


@pytest.fixture(scope="module")
def panel(visitor: Page, address: str, domain: Domain) -> Locator:
    return open_tab(visitor, address, domain)


@pytest.fixture(scope="module")
def classifier(domain: Domain) -> Classifier:
    return overread.load(NETS[domain])


def compare(saved: Saved, classifier: Classifier, file: Path) -> None:
    """Hold what the page saved against Python's answer, or refusal, to the same file."""
    try:
        expected = classifier.predict(file)
    except InputError as error:
        reason = error.verdict.reason if isinstance(error, RefusedImageError) and error.verdict else str(error)
        assert saved.get("error") == reason.replace(READABLE, READABLE_HERE), file.name
        return
    assert "error" not in saved, (file.name, saved)
    assert abs(saved["log_odds"] - expected.log_odds) <= LOG_ODDS, file.name
    points = classifier.config.operating_points
    edges = [np.log(points[name].threshold / (1 - points[name].threshold)) for name in ("screening", "rule-in")]
    if all(abs(expected.log_odds - edge) > LOG_ODDS for edge in edges):
        assert saved["reading"]["answer"] == expected.reading.answer
        assert saved["decision"] == expected.decision
    np.testing.assert_allclose(saved["heatmap"]["values"], expected.heatmap, atol=LEVELS)
    assert expected.guard and (saved["guard"]["code"] == expected.guard.code or near_limit(expected))
    assert saved["guard"]["distance"] == pytest.approx(expected.guard.distance, rel=0.02)
    if not near_limit(expected):
        assert saved["notes"] == list(expected.notes)
    if expected.lungs and expected.lungs.evidence_inside is not None:
        assert saved["lungs"]["area"] == pytest.approx(expected.lungs.area, abs=0.01)
        assert saved["lungs"]["evidence_inside"] == pytest.approx(expected.lungs.evidence_inside, abs=0.02)
        drawn, outlined = (mask(outline) for outline in (saved["lungs"]["outline"], expected.lungs.outline))
        assert np.count_nonzero(drawn != outlined) <= 0.01 * drawn.size
    same = {"finding", "image_sha256", "image_sha256_of", "disclaimer", "schema_version"}
    python = expected.to_json()
    assert {name: saved[name] for name in same} == {name: python[name] for name in same}
    assert saved["model"] == python["model"]
    assert saved.keys() - {"file"} == python.keys() and saved["milliseconds"].keys() == python["milliseconds"].keys()


def mask(outline: Any) -> np.ndarray:
    """Return (200, 200), where an outline's polygons are filled."""
    drawn = Image.new("1", (200, 200))
    for polygon in outline:
        ImageDraw.Draw(drawn).polygon([(200 * float(x), 200 * float(y)) for x, y in polygon], fill=1)
    return np.asarray(drawn)


def near_limit(prediction: Prediction) -> bool:
    return bool(prediction.guard and prediction.guard.distance and abs(prediction.guard.distance - 1) < 0.02)


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
        assert said == words(verdict_html(prediction, context))


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
    }.items():
        files.append(tmp_path / f"{name}.dcm")
        files[-1].write_bytes(data)
    classifier = overread.load(NETS["chest-xray"])
    for saved, file in zip(answers(visitor, panel, files), files, strict=True):
        compare(saved, classifier, file)
