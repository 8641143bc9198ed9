from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, load_dataset

from tests.training.two_hospitals import write_two_hospitals
from training.data.data_sets import CHEST_XRAY_PNEUMONIA, NIH_CHEST_XRAY, PATCH_CAMELYON, folder_beside
from training.data.splits import file_names, load_split, patient_of
from training.data.two_hospitals import balancing_weights, load_hospitals


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_two_hospitals(tmp_path_factory.mktemp("hospitals")))


def test_the_second_data_set_lies_beside_the_first() -> None:
    assert folder_beside("data/chest-xray-pneumonia", "someone/lungs") == "data/lungs"
    assert folder_beside(None, "someone/lungs") == "someone/lungs"


def test_both_hospitals_are_one_data_set_and_text_mined_positives_count_less(films: str) -> None:
    found = load_hospitals(CHEST_XRAY_PNEUMONIA, "train", films)
    first, second = (load_split(source, "train", data) for source, data in _places(films))
    assert list(found["labels"]) == [*first["labels"], *second["labels"]]
    assert Counter(found["hospital"]) == {CHEST_XRAY_PNEUMONIA.dataset: len(first), NIH_CHEST_XRAY.dataset: len(second)}
    of_adults = [row for row in found.remove_columns("image") if row["hospital"] == NIH_CHEST_XRAY.dataset]
    assert {(row["labels"], row["target"]) for row in of_adults} == {(0, 0.0), (1, 0.75)}
    assert {row["stratum"] for row in of_adults} == {"nih-chest-xray-sample AP", "nih-chest-xray-sample PA"}


def test_no_adult_is_in_train_and_in_validation(films: str) -> None:
    source, folder = _places(films)[1]
    patients = dict(zip(*_names_and_patients(folder), strict=True))
    parts = [{patients[name] for name in file_names(load_split(source, split, folder))} for split in _SPLITS]
    assert not parts[0] & parts[1] and parts[0] | parts[1] == set(patients.values())


def test_neither_hospital_nor_view_predicts_the_class_under_the_weights(films: str) -> None:
    dataset = load_hospitals(CHEST_XRAY_PNEUMONIA, "train", films)
    weights = balancing_weights(dataset, second_share=0.3)
    total: Counter[tuple[str, int]] = Counter()
    for stratum, label, weight in zip(dataset["stratum"], dataset["labels"], weights, strict=True):
        total[stratum, label] += weight
    assert weights.sum() == pytest.approx(1)
    for label in (0, 1):
        assert total[CHEST_XRAY_PNEUMONIA.dataset, label] == pytest.approx(0.35)
        assert total["nih-chest-xray-sample AP", label] == pytest.approx(0.075)
        assert total["nih-chest-xray-sample PA", label] == pytest.approx(0.075)


def test_weights_of_one_hospital_balance_its_classes() -> None:
    rows = {"labels": [0, 1, 1, 1], "hospital": ["here"] * 4, "stratum": ["here"] * 4}
    np.testing.assert_allclose(balancing_weights(Dataset.from_dict(rows), 0.5), [1 / 2, 1 / 6, 1 / 6, 1 / 6])


def test_a_view_that_lacks_a_class_is_refused() -> None:
    rows = {"labels": [0, 1, 0], "hospital": ["here"] * 3, "stratum": ["AP", "AP", "PA"]}
    with pytest.raises(ValueError, match="PA has no image with label 1"):
        balancing_weights(Dataset.from_dict(rows), 0.5)


def test_patches_have_one_hospital(tmp_path: Path) -> None:
    assert PATCH_CAMELYON.second is None


def test_the_real_hospitals_keep_patients_apart_and_the_readings_share_none(real_data: Path) -> None:
    children = str(real_data / "chest-xray-pneumonia")
    parts = [load_hospitals(CHEST_XRAY_PNEUMONIA, split, children) for split in _SPLITS]
    assert [len(part) for part in parts] == [4564 + 387, 652 + 129]
    adults = {name: patient for name, patient in zip(*_names_and_patients(_places(children)[1][1]), strict=True)}
    train, held_out = ({adults.get(n) or patient_of(n) for n in file_names(part)} for part in parts)
    assert not train & held_out
    read = set(load_dataset(str(real_data / "nih-chest-xray-rsna-read"), split="train")["patient"])
    assert read and not read & set(adults.values())


_SPLITS = ("train", "validation")


def _places(films: str) -> list:
    return [(CHEST_XRAY_PNEUMONIA, films), (NIH_CHEST_XRAY, folder_beside(films, NIH_CHEST_XRAY.dataset))]


def _names_and_patients(folder: str) -> tuple[list[str], list[str]]:
    rows = load_dataset(folder, split="train")
    return file_names(rows), list(rows["patient"])
