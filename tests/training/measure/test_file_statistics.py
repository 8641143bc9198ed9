from pathlib import Path

import numpy as np
import pytest
from datasets import Value
from PIL import Image as PillowImage
from sklearn.metrics import roc_auc_score

from tests.training.audited_data import encode, write_split
from training.data.data_sets import PATCH_CAMELYON
from training.measure.file_statistics import SplitStatistics, number_auc, split_statistics

SPLITS = ("train", "validation", "test")


def test_all_images_are_counted_by_class(pcam_splits: dict[str, SplitStatistics]) -> None:
    assert [pcam_splits[split].counts for split in SPLITS] == [(11, 6), (5, 4), (3, 3)]


def test_jpeg_quality_that_follows_the_label_predicts_it(pcam_splits: dict[str, SplitStatistics]) -> None:
    found = pcam_splits["train"].auc("quality")
    assert found.value == 0 and found.predicts_label
    assert pcam_splits["train"].quality_counts() == {"60": (0, 6), "90": (11, 0)}
    assert pcam_splits["validation"].quality_counts() == {"75": (3, 4), "lossless": (1, 0)}
    assert pcam_splits["train"].auc("bytes_per_pixel").value == 0


def test_a_constant_number_predicts_nothing(pcam_splits: dict[str, SplitStatistics]) -> None:
    found = pcam_splits["train"].auc("aspect_ratio")
    assert found.value == 0.5 and not found.predicts_label


def test_an_aspect_ratio_that_follows_the_label_predicts_it(chest_splits: dict[str, SplitStatistics]) -> None:
    for split in chest_splits.values():
        assert split.auc("aspect_ratio").value == split.auc("width").value == 1
        assert split.auc("height").value == 0.5
        assert set(split.values("aspect_ratio")) == {1.0, 1.5}


def test_a_truncated_file_is_named_and_left_out(pcam_splits: dict[str, SplitStatistics]) -> None:
    assert pcam_splits["validation"].unreadable == ("cut-off.jpg",)
    assert len(pcam_splits["validation"].images) == 8


def test_the_numbers_of_an_image_are_those_of_its_pixels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).integers(0, 200, (48, 64, 3), np.uint8)
    content = encode(PillowImage.fromarray(pixels), "PNG")
    write_split(tmp_path, "train", [("a.png", content, True)], Value("bool"))
    split = split_statistics(PATCH_CAMELYON, "train", str(tmp_path))
    (image,) = split.images
    assert (image.width, image.height, image.label) == (64, 48, 1)
    assert image.brightness == pytest.approx(pixels.mean())
    assert image.contrast == pytest.approx(pixels.std())
    assert image.bytes_per_pixel == len(content) / (64 * 48)
    assert split.histograms[1, 2] == pytest.approx(np.histogram(pixels[..., 2], 256, (0, 256), density=True)[0])
    assert not split.histograms[0].any() and not split.grey
    assert np.isnan(split.auc("width").value)  # there is only one class


def test_images_of_different_size_have_equal_weight_in_means_and_histograms(tmp_path: Path) -> None:
    rows = [
        (f"{size}.png", encode(PillowImage.new("L", (size, size), level), "PNG"), True)
        for size, level in ((40, 10), (160, 110))
    ]
    write_split(tmp_path, "train", rows, Value("bool"))
    split = split_statistics(PATCH_CAMELYON, "train", str(tmp_path))
    assert split.grey
    assert np.unique(split.means[1]).tolist() == [60]
    assert split.histograms[1, 0, [10, 110]].tolist() == [0.5, 0.5]


def test_the_seed_determines_the_sample(pcam: str) -> None:
    first, again, other = (
        [image.name for image in split_statistics(PATCH_CAMELYON, "train", pcam, sample=8, seed=seed).images]
        for seed in (1, 1, 2)
    )
    assert len(first) == 8
    assert first == again != other
    assert split_statistics(PATCH_CAMELYON, "train", pcam, sample=8).counts == (11, 6)  # counts are of all


def test_area_and_interval_equal_the_papers_example() -> None:
    # Hanley & McNeil 1982, tables I and II: 109 CT scans rated 1 to 5; area 0.893, standard error 0.032.
    normal, abnormal = (33, 6, 6, 11, 2), (3, 2, 2, 11, 33)
    labels = np.repeat([0, 1], [58, 51])
    ratings = np.concatenate([np.repeat(np.arange(1.0, 6.0), counts) for counts in (normal, abnormal)])
    found = number_auc(labels, ratings)
    assert found.value == pytest.approx(0.893, abs=5e-4)
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(0.032, abs=1e-3)


def test_the_area_equals_scikit_learns() -> None:
    random = np.random.default_rng(1)
    labels, numbers = random.integers(0, 2, 200), random.integers(0, 9, 200).astype(float)
    assert number_auc(labels, numbers).value == roc_auc_score(labels, numbers)
