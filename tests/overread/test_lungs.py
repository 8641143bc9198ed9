import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import overread
from overread.catalogue import catalogue, choices, lung_net, published
from overread.classifier import Classifier
from overread.errors import RefusedImageError
from overread.guard import Guard, Kind, Subject
from overread.lungs import LungNet, Lungs, SeenLungs, lungs_of
from overread.pixel_statistics import pixel_statistics
from tests.support.tiny_lung_net import tiny_lung_net

EXAMPLES = Path(__file__).parents[2] / "examples" / "chest-xray"
CHEST_MODELS = overread.names("chest-xray")


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> LungNet:
    return tiny_lung_net(tmp_path_factory.mktemp("lungs") / "tiny-lungs")


def film(upside_down: bool = False) -> Image.Image:
    """A light picture with two dark boxes in its upper half, 20 % of it."""
    image = Image.new("L", (400, 300), 200)
    draw = ImageDraw.Draw(image)
    for left in (80, 240):
        draw.rectangle((left, 20, left + 79, 169), fill=30)
    image = image.convert("RGB")
    return image.transpose(Image.Transpose.ROTATE_180) if upside_down else image


def test_the_share_of_the_evidence_in_the_lungs_is_that_of_the_cells_by_area() -> None:
    probability = np.zeros((112, 112), np.float32)
    probability[:56, :28] = 0.9  # the upper left eighth
    heatmap = np.zeros((4, 4), np.float32)
    heatmap[0, 0], heatmap[3, 3], heatmap[2, 2] = 3.0, 1.0, -5.0
    lungs = lungs_of(probability, heatmap)
    assert lungs.area == pytest.approx(1 / 8)
    assert lungs.evidence_inside == pytest.approx(3 / 4)
    assert lungs.sentence == "75 % of the evidence lies in the lungs"
    assert lungs_of(probability, np.full((2, 2), 0.5, np.float32)).evidence_inside == pytest.approx(lungs.area)
    (outline,) = lungs.outline
    assert outline.min(0) == pytest.approx([0, 0], abs=0.01) and outline.max(0) == pytest.approx([0.25, 0.5], abs=0.01)


def test_without_evidence_for_the_finding_there_is_no_share_of_it() -> None:
    lungs = lungs_of(np.ones((112, 112), np.float32), np.full((4, 4), -1.0, np.float32))
    assert lungs.evidence_inside is None and lungs.sentence == ""
    assert json.loads(json.dumps(lungs.to_json()))["evidence_inside"] is None


def test_where_no_lungs_are_found_that_is_said_instead_of_a_share() -> None:
    probability = np.zeros((112, 112), np.float32)
    probability[:20, :20] = 0.9  # 3 % of the picture
    lungs = lungs_of(probability, np.ones((4, 4), np.float32))
    assert lungs.area == pytest.approx((20 / 112) ** 2)
    assert lungs.evidence_inside is None and lungs.outline == ()
    assert lungs.sentence == "No lungs were found in this picture"


def test_a_prediction_says_where_the_lungs_are(net: LungNet, tiny_folder: Path) -> None:
    with_lungs, without = Classifier(tiny_folder, threads=1, lung_net=net), Classifier(tiny_folder, threads=1)
    image = film()
    answer = with_lungs.predict(image)
    assert answer.lungs and answer.lungs.area == pytest.approx(
        130 / 300 * 160 / 400, abs=0.01
    )  # the tiny net sees the upper half
    assert len(answer.lungs.outline) == 2
    assert set(answer.to_json()["lungs"]) == {"area", "evidence_inside", "outline"}
    assert without.predict(image).lungs is None and without.predict(image).to_json()["lungs"] is None
    assert answer.log_odds == without.predict(image).log_odds


def test_the_overlay_shows_the_outline_and_the_picture_does_not(net: LungNet, tiny_folder: Path) -> None:
    answer = Classifier(tiny_folder, threads=1, lung_net=net).predict(film())
    plain = Classifier(tiny_folder, threads=1).predict(film())
    changed = (np.asarray(answer.overlay) != np.asarray(plain.overlay)).any(-1)
    rows, columns = np.nonzero(changed)
    width, height = answer.overlay.size
    # One line around both boxes, no wider than three pixels.
    assert columns.min() / width == pytest.approx(0.2, abs=0.02) and columns.max() / width == pytest.approx(
        0.8, abs=0.02
    )
    assert rows.min() / height == pytest.approx(0.067, abs=0.02) and rows.max() / height < 0.52
    assert changed.mean() < 0.03
    np.testing.assert_array_equal(np.asarray(answer.picture), np.asarray(plain.picture))


def guard_for(image: Image.Image) -> Guard:
    """Return a guard to which every image with such a median is familiar, whichever way up."""
    precision = np.zeros((29, 29))
    precision[3, 3] = 1.0
    kind = Kind("a film", ("grey",), pixel_statistics(image).grey, precision, familiar=0.1, limit=0.2)
    return Guard(Subject("a film", True, False, 0.01, ()), (kind,))


@pytest.mark.parametrize(
    ("image", "code"),
    [
        (film(), ""),
        (film(upside_down=True), "upside-down"),
        (Image.new("RGB", (300, 300), (210, 210, 210)), "no-lungs"),
    ],
)
def test_a_picture_without_lungs_is_refused_and_a_turned_one_is_told_so(
    net: LungNet, image: Image.Image, code: str
) -> None:
    guard = guard_for(film())
    noise = np.random.default_rng(0).integers(-20, 20, (*image.size[::-1], 1))
    image = Image.fromarray(np.clip(np.asarray(image).astype(int) + noise, 0, 255).astype(np.uint8))  # not blank
    assert guard.judge(image).outcome == "accepted"
    verdict = guard.judge(image, lungs=SeenLungs(net, image))
    assert (verdict.outcome, verdict.code) == (("refused", code) if code else ("accepted", ""))


def test_the_lung_net_is_no_model_to_choose_but_is_published() -> None:
    entry = lung_net("chest-xray")
    assert entry and entry.finds_lungs and entry.name == "chest-xray-lungs"
    assert entry.name not in catalogue() and entry.name not in choices(catalogue())
    assert entry.name not in overread.names()
    assert published()[entry.name] == entry and set(published()) == {*catalogue(), entry.name}
    assert lung_net("histopathology") is None


@pytest.mark.parametrize("name", CHEST_MODELS)
def test_every_chest_model_finds_the_lungs_of_the_examples(name: str) -> None:
    model = overread.load(name, threads=1)
    for file in sorted(EXAMPLES.glob("*.jpeg")):
        lungs = model.predict(file).lungs
        assert isinstance(lungs, Lungs) and 0.2 < lungs.area < 0.6
        assert len(lungs.outline) == 2 and sum(map(len, lungs.outline)) < 80
        centres = sorted(float(polygon[:, 0].mean()) for polygon in lungs.outline)
        assert centres[0] < 0.5 < centres[1]


@pytest.mark.parametrize("turn", [Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM])
def test_an_example_upside_down_is_refused_by_name(turn: Image.Transpose) -> None:
    model = overread.load("chest-xray", threads=1)
    for file in sorted(EXAMPLES.glob("*.jpeg")):
        with Image.open(file) as opened, pytest.raises(RefusedImageError, match="upside down"):
            model.predict(opened.transpose(turn))


def test_histopathology_has_no_lungs() -> None:
    assert overread.load("pcam-resnet18", threads=1).lung_net is None
