from pathlib import Path

import numpy as np
import pytest
from datasets import load_dataset

from tests.training.two_hospitals import write_two_hospitals
from training.data.data_sets import CHEST_XRAY_PNEUMONIA
from training.data.proportions import overlap_weights, published_proportions
from training.data.splits import file_names, load_split
from training.measure.ranking import area_under_roc


def test_proportions_are_those_of_the_published_films(tmp_path: Path) -> None:
    films = write_two_hospitals(tmp_path)
    found = published_proportions(films.parent / "chest-xray-lungs")
    rows = load_dataset(str(films), split="train")
    assert set(found) == {Path(name).stem for name in file_names(rows)}
    assert found["IM-0000-0001"] == 1.0 and found["person0_virus_1"] == pytest.approx(1.3)


def test_under_the_weights_both_classes_have_the_same_proportions() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 500)
    logarithms = random.normal(0.2 + 0.2 * labels, 0.13)
    weights = overlap_weights(np.exp(logarithms), labels)
    assert weights.min() >= 0 and weights.max() <= 1
    means = [np.average(logarithms[labels == label], weights=weights[labels == label]) for label in (0, 1)]
    assert means[0] == pytest.approx(means[1], abs=0.01)
    assert logarithms[labels == 1].mean() - logarithms[labels == 0].mean() > 0.15


def test_a_film_of_unknown_size_is_not_drawn() -> None:
    weights = overlap_weights(np.array([1.0, 1.3, np.nan, 1.2, 1.6]), np.array([0, 0, 0, 1, 1]))
    assert weights[2] == 0 and (np.delete(weights, 2) > 0).all()


def test_proportions_alone_tell_the_class_in_the_real_films(real_data: Path) -> None:
    known = published_proportions(real_data / "chest-xray-lungs")
    films = load_split(CHEST_XRAY_PNEUMONIA, "train", str(real_data / "chest-xray-pneumonia"))
    pairs = zip(file_names(films), films["labels"], strict=True)
    rows = [(known[Path(name).stem], label) for name, label in pairs if Path(name).stem in known]
    proportions, labels = (np.asarray(column) for column in zip(*rows, strict=True))
    assert area_under_roc(labels, proportions)["value"] > 0.85
    weights = overlap_weights(proportions, labels)
    means = [np.average(np.log(proportions[labels == label]), weights=weights[labels == label]) for label in (0, 1)]
    assert means[0] == pytest.approx(means[1], abs=0.005)
