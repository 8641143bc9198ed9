import hashlib
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import overread
from overread.classifier import Classifier
from overread.errors import ModelFolderError, UnknownModelError, UnknownOperatingPointError
from tests.support.tiny_model import BIAS_DIFFERENCE, DIFFERENCE, write_tiny_model

JSON_FIELDS = [
    *("finding", "probability", "probabilities", "members", "log_odds", "reading", "positive", "decision"),
    *(
        "operating_point",
        "heatmap",
        "lungs",
        "guard",
        "notes",
        "model",
        "milliseconds",
        "disclaimer",
        "schema_version",
        "image_sha256",
        "image_sha256_of",
    ),
]


def log_odds_by_hand(picture: Image.Image) -> float:
    values = (np.asarray(picture, np.float64) / 255 - 0.5) / 0.5  # (96, 96, 3)
    return float(values.mean((0, 1)) @ DIFFERENCE + BIAS_DIFFERENCE)


def test_probability_is_the_softmax_of_the_logits(tiny: Classifier, picture: Image.Image) -> None:
    answer = tiny.predict(picture)
    expected = log_odds_by_hand(picture)
    assert answer.log_odds == pytest.approx(expected, abs=1e-5)
    assert answer.probability == pytest.approx(1 / (1 + np.exp(-expected)), abs=1e-6)
    assert answer.probabilities == {"clear": 1 - answer.probability, "red": answer.probability}


def test_the_cells_and_the_bias_add_up_to_the_log_odds(tiny: Classifier, picture: Image.Image) -> None:
    answer = tiny.predict(picture)
    assert answer.heatmap.shape == (12, 12) and answer.heatmap.dtype == np.float32
    assert answer.heatmap.sum() + answer.heatmap_bias == pytest.approx(answer.log_odds, abs=1e-4)


def test_the_map_has_the_orientation_of_the_image(tiny: Classifier, picture: Image.Image) -> None:
    answer = tiny.predict(picture)  # red to the left speaks for the finding, blue to the right against it
    assert (answer.heatmap[:, :6] > answer.heatmap[:, 6:].max()).all()
    change = np.asarray(answer.overlay, int) - np.asarray(answer.picture, int)
    assert change[:, 400:, 0].mean() <= 0 < change[:, :40, 1].mean()


@pytest.mark.parametrize(
    ("point", "positive", "decision"),
    [("screening", True, "not ruled out"), ("balanced", True, "red"), ("rule-in", False, "not ruled in")],
)
def test_the_operating_point_decides(tiny: Classifier, point: str, positive: bool, decision: str) -> None:
    answer = tiny.predict(Image.new("RGB", (96, 96), (190, 100, 90)), point)
    assert 0.5 < answer.probability < 0.99
    assert (answer.positive, answer.decision) == (positive, decision)
    assert answer.operating_point.name == point


@pytest.mark.parametrize(
    ("colour", "text"),
    [((0, 100, 255), "no sign of redness"), ((190, 100, 90), "can't tell"), ((255, 0, 0), "redness")],
)
def test_the_reading_is_one_of_three_answers_at_every_operating_point(
    tiny: Classifier, colour: tuple[int, int, int], text: str
) -> None:
    image = Image.new("RGB", (96, 96), colour)
    assert {tiny.predict(image, point).reading.text for point in tiny.config.operating_points} == {text}


@pytest.mark.parametrize("point", ["screening", "rule-in"])
def test_a_model_without_a_point_that_the_three_answers_need_is_refused(tmp_path: Path, point: str) -> None:
    folder = write_tiny_model(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    del config["overread"]["operating_points"][point]
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelFolderError, match=point):
        Classifier(folder)


def test_an_unknown_operating_point_is_refused_with_the_known_ones(tiny: Classifier, picture: Image.Image) -> None:
    with pytest.raises(UnknownOperatingPointError, match="screening, balanced, rule-in"):
        tiny.predict(picture, "whatever")


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownModelError, match="pcam-resnet18"):
        overread.load("gpt")


def test_a_batch_gives_the_same_answers_as_single_images(tiny: Classifier) -> None:
    random = np.random.default_rng(0)
    pictures = [Image.fromarray(random.integers(0, 256, (40 + n, 60, 3), np.uint8)) for n in range(21)]
    for one, of_batch in zip(map(tiny.predict, pictures), tiny.predict_batch(pictures), strict=True):
        assert one.probability == pytest.approx(of_batch.probability, abs=1e-6)
        np.testing.assert_allclose(one.heatmap, of_batch.heatmap, atol=1e-6)


def test_an_empty_batch_gives_no_answers(tiny: Classifier) -> None:
    assert tiny.predict_batch([]) == []


def test_concurrent_requests_do_not_mix(tiny: Classifier) -> None:
    pictures = [Image.new("RGB", (96, 96), (level, 80, 255 - level)) for level in range(0, 256, 8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(tiny.predict, pictures))
    for picture, answer in zip(pictures, answers, strict=True):
        assert answer.log_odds == pytest.approx(log_odds_by_hand(picture), abs=1e-5)


def test_every_kind_of_source_gives_the_same_answer(tiny: Classifier, picture: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    picture.save(path)
    data = path.read_bytes()
    answers = [tiny.predict(s) for s in (path, str(path), data, io.BytesIO(data), picture, np.asarray(picture))]
    assert len({answer.probability for answer in answers}) == 1


def test_json_holds_everything_but_pixels(tiny: Classifier, picture: Image.Image) -> None:
    answer = tiny.predict(picture)
    read = json.loads(json.dumps(answer.to_json()))
    assert read["probability"] == answer.probability
    assert read["model"] == {"name": "tiny", "revision": "local", "sha256": answer.model.sha256, "source": "local"}
    assert set(read["milliseconds"]) == {"decode", "guard", "lungs", "preprocess", "inference", "overlay"}
    np.testing.assert_allclose(read["heatmap"]["values"], answer.heatmap, atol=1e-6)
    assert sum(map(sum, read["heatmap"]["values"])) + read["heatmap"]["bias"] == pytest.approx(
        read["log_odds"], abs=1e-4
    )
    assert "not a medical device" in read["disclaimer"]
    assert (read["schema_version"], read["image_sha256_of"]) == (1, "pixels")
    assert list(read) == JSON_FIELDS


def test_json_identifies_the_file_that_was_read(tiny: Classifier, picture: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    picture.save(path)
    read = tiny.predict(path).to_json()
    assert read["image_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert read["image_sha256_of"] == "file"


@pytest.mark.parametrize("missing", ["config.json", "onnx/model.onnx"])
def test_an_incomplete_folder_is_refused(missing: str, tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "model")
    (folder / missing).unlink()
    with pytest.raises(ModelFolderError, match=Path(missing).name):
        Classifier(folder)


@pytest.mark.parametrize("damage", ["{", "{}", '{"overread": {}}'])
def test_an_incomplete_config_is_refused(damage: str, tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "model")
    (folder / "config.json").write_text(damage)
    with pytest.raises(ModelFolderError, match=r"config\.json cannot be used"):
        Classifier(folder)


def test_a_file_that_is_no_onnx_is_refused(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "model")
    (folder / "onnx" / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelFolderError, match="cannot be loaded"):
        Classifier(folder)


@pytest.mark.parametrize("name", overread.names())
def test_bundled_models_meet_the_onnx_contract(name: str) -> None:
    classifier = overread.load(name, threads=1)
    noise = np.random.default_rng(3).integers(0, 256, (300, 300, 3), np.uint8)
    answer = classifier.predict(noise, answer_anyway=True)  # the guard refuses noise
    least = 12 if name.startswith("pcam") else 14
    assert min(answer.heatmap.shape) >= least
    assert answer.heatmap.sum() + answer.heatmap_bias == pytest.approx(answer.log_odds, abs=1e-4)
    assert list(classifier.config.operating_points) == ["screening", "balanced", "rule-in"]


def test_nothing_is_drawn_before_it_is_asked_for(tiny: Classifier, picture: Image.Image) -> None:
    answer = tiny.predict(picture)
    assert answer.to_json()["milliseconds"]["overlay"] == 0
    assert answer.overlay.size == answer.picture.size == (448, 448)
    assert answer.to_json()["milliseconds"]["overlay"] > 0


def test_an_image_stored_in_grey_gets_the_answer_of_the_same_in_colour(tiny: Classifier, picture: Image.Image) -> None:
    grey = picture.convert("L")
    answers = [tiny.predict(one) for one in (grey, grey.convert("RGB"))]
    assert answers[0].log_odds == answers[1].log_odds and answers[0].image_sha256 == answers[1].image_sha256
    for drawn in ("picture", "overlay"):
        np.testing.assert_array_equal(*(np.asarray(getattr(answer, drawn)) for answer in answers))
