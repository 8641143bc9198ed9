import numpy as np
import pytest
from PIL import Image

from overread.probability import log_odds, sigmoid
from training.measure.cropping import crop_centre, measure_cropping


def test_a_crop_keeps_the_middle() -> None:
    pixels = np.zeros((10, 20, 3), np.uint8)
    pixels[1:9, :] = 255
    assert np.asarray(crop_centre(Image.fromarray(pixels), (1.0, 0.8))).min() == 255
    assert crop_centre(Image.fromarray(pixels), (0.8, 1.0)).size == (16, 10)


def test_a_net_that_looks_at_proportions_is_found_out() -> None:
    """Its answer is the film's width over height; half of the sick films are just below its threshold."""
    films = [Image.new("RGB", size) for size in [(100, 100)] * 4 + [(120, 100)] * 2 + [(150, 100)] * 2]
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])

    def proportions(images: list[Image.Image]) -> np.ndarray:
        return 10 * np.log([image.width / image.height / 1.22 for image in images])

    measured = measure_cropping(proportions, films, labels, proportions(films), float(sigmoid(np.zeros(1))[0]))
    assert measured["images"] == 8 and measured["kept"] == 0.8
    assert measured["auc_against_proportions"]["value"] < 0.5
    wider, narrower = measured["crops"]["top and bottom"], measured["crops"]["sides"]
    assert wider["specificity"]["value"] == 0 and wider["sensitivity"]["value"] == 1
    assert wider["flipped"]["value"] == pytest.approx(6 / 8)
    assert narrower["specificity"]["value"] == 1 and narrower["sensitivity"]["value"] == 0
    assert wider["change_with_finding"] == pytest.approx(10 * np.log(1 / 0.8))
    assert narrower["change_without_finding"] == pytest.approx(10 * np.log(0.8))


def test_a_net_that_does_not_is_steady() -> None:
    films = [Image.new("RGB", (64, 64), (grey,) * 3) for grey in (10, 60, 200, 250)]
    labels = np.array([0, 0, 1, 1])

    def brightness(images: list[Image.Image]) -> np.ndarray:
        return log_odds(np.array([[0.0, np.asarray(image).mean() / 32 - 4] for image in images]))

    measured = measure_cropping(brightness, films, labels, brightness(films), 0.5)
    assert measured["auc_against_proportions"]["value"] == 1
    for crop in measured["crops"].values():
        assert crop["flipped"]["value"] == 0 and crop["auc"]["value"] == 1
        assert crop["change_with_finding"] == crop["change_without_finding"] == 0
