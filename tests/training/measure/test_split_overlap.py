from pathlib import Path

import numpy as np
from datasets import ClassLabel, Value

from tests.training.audited_data import encode, noise, write_split
from training.data.data_sets import CHEST_XRAY_PNEUMONIA, PATCH_CAMELYON
from training.measure.file_statistics import SplitStatistics, split_statistics
from training.measure.split_overlap import find_duplicates, find_patients


def test_equal_images_are_found_within_and_across_splits(pcam_splits: dict[str, SplitStatistics]) -> None:
    found = find_duplicates(list(pcam_splits.values()))
    assert found.within == {"train": 0, "validation": 1, "test": 0}
    assert found.across == {("train", "validation"): 0, ("train", "test"): 1, ("validation", "test"): 0}
    assert found.contradicting == 1
    names = {tuple((split, image.name) for split, image in group) for group in found.groups}
    assert names == {
        (("train", "shared.jpg"), ("test", "renamed.jpg")),
        (("validation", "valid0.jpg"), ("validation", "again.jpg")),
    }


def test_equal_pixels_in_another_format_are_duplicates(tmp_path: Path) -> None:
    image = noise(7)
    rows = [("a.png", encode(image, "PNG"), True), ("b.bmp", encode(image, "BMP"), True)]
    write_split(tmp_path, "train", rows, Value("bool"))
    assert find_duplicates([split_statistics(PATCH_CAMELYON, "train", str(tmp_path))]).within == {"train": 1}


def test_patients_in_two_splits_are_found(chest_splits: dict[str, SplitStatistics]) -> None:
    found = find_patients(list(chest_splits.values()))
    assert found.patients["train"] + found.patients["validation"] == 48
    assert found.patients["test"] == 3  # two images are of person0
    assert found.kinds["test"] == {"virus": 1, "normal": 1, "bacteria": 2}
    assert found.across["train", "validation"] == (0, 0)
    assert np.add(found.across["train", "test"], found.across["validation", "test"]).tolist() == [1, 1]


def test_a_patient_with_another_kind_in_each_split_is_counted_separately(tmp_path: Path) -> None:
    content = encode(noise(1, colour=False))
    names = [f"person{n}_bacteria_1.jpg" for n in range(20)]
    names += [f"IM-{n:04d}-0001.jpg" for n in range(20)]
    label = ClassLabel(names=["NORMAL", "PNEUMONIA"])
    write_split(tmp_path, "train", [(name, content, int(name.startswith("p"))) for name in names], label)
    test = [(f"person{n}_virus_9.jpg", content, 1) for n in range(20)] + [("IM-0000-0009.jpg", content, 0)]
    write_split(tmp_path, "test", test, label)
    found = find_patients([split_statistics(CHEST_XRAY_PNEUMONIA, split, str(tmp_path)) for split in ("train", "test")])
    both, same_kind = found.across["train", "test"]
    assert same_kind <= 1 < 10 < both
