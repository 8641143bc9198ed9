from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, Image
from PIL import Image as PillowImage

from tests.training.two_hospitals import write_two_hospitals
from training.data.corruption import corrupt
from training.data.data_sets import CHEST_XRAY_PNEUMONIA, PATCH_CAMELYON
from training.data.validation_set import ValidationImages, validation_images

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 24, 24, 3), np.uint8)
LABELS = [0, 1, 1, 0, 1]


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    rows = {"image": [PillowImage.fromarray(pixels) for pixels in PIXELS], "labels": LABELS}
    return Dataset.from_dict(rows).cast_column("image", Image())


def test_images_come_in_batches_and_in_order(dataset: Dataset) -> None:
    validation = ValidationImages(dataset, corrupted=False)
    batches = list(validation.batches(2))
    assert [len(batch) for batch in batches] == [2, 2, 1]
    np.testing.assert_array_equal([np.asarray(image) for batch in batches for image in batch], PIXELS)
    assert validation.labels.tolist() == LABELS


def test_corrupted_images_follow_the_clean_ones_with_the_same_labels(dataset: Dataset) -> None:
    validation = ValidationImages(dataset, corrupted=True)
    images = [image for batch in validation.batches(3) for image in batch]
    np.testing.assert_array_equal([np.asarray(image) for image in images[:5]], PIXELS)
    for row, image in enumerate(images[5:]):
        assert image.tobytes() == corrupt(PillowImage.fromarray(PIXELS[row]), row).tobytes()
    assert validation.labels.tolist() == LABELS * 2


def test_both_hospitals_are_validated_on_and_count_alike(tmp_path: Path) -> None:
    validation = validation_images(CHEST_XRAY_PNEUMONIA, str(write_two_hospitals(tmp_path)))
    hospitals = np.tile(validation.dataset["hospital"], 2)  # clean and corrupted
    adults = hospitals == "nih-chest-xray-sample"
    assert validation.name == "validation of two hospitals, alike, proportions balanced, clean and corrupted"
    assert validation.weights[adults].sum() == pytest.approx(0.5) == validation.weights[~adults].sum()
    assert set(validation.targets[adults]) == {0, 0.75} and set(validation.targets[~adults]) == {0, 1}
    assert len(validation.labels) == len(validation.targets) == len(validation.weights) == len(adults)


def test_the_data_set_says_whether_corrupted_images_count(tmp_path: Path, dataset: Dataset) -> None:
    (tmp_path / "data").mkdir()
    rows = dataset.remove_columns("labels").add_column("label", [bool(label) for label in LABELS])
    rows.to_parquet(tmp_path / "data" / "valid-00000-of-00001.parquet")
    validation = validation_images(PATCH_CAMELYON, str(tmp_path))
    assert validation.labels.tolist() == LABELS and not validation.corrupted
    assert CHEST_XRAY_PNEUMONIA.validates_on_corrupted
