import json
from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, Image
from PIL import Image as PillowImage

from overread.probability import sigmoid
from training.data.splits import load_split
from training.measure import intervals, resampling
from training.measure.predictions import Predictor
from training.measure.resampling import compare_filters, compare_sizes, measure_filters
from training.recipes.recipe import Recipe


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (intervals, resampling):
        monkeypatch.setattr(module, "RESAMPLES", 50)


def test_flips_and_changes_are_those_of_the_probabilities() -> None:
    first = np.linspace(-4, 4, 101)
    second = first + np.where(np.arange(101) % 2, 0.3, 0.0)
    found = compare_filters(first, second, threshold=0.6)
    json.dumps(found, allow_nan=False)
    a, b = sigmoid(first), sigmoid(second)
    assert found["flipped"]["value"] == ((a >= 0.6) != (b >= 0.6)).mean() > 0
    assert found["change_95"]["value"] == pytest.approx(np.quantile(abs(a - b), 0.95))
    assert found["change_95"]["low"] <= found["change_95"]["value"] <= found["change_95"]["high"]
    assert found["largest_change"] == pytest.approx(abs(a - b).max())


def test_equal_answers_do_not_change() -> None:
    found = compare_filters(np.ones(5), np.ones(5), threshold=0.5)
    assert found["flipped"]["value"] == found["change_95"]["high"] == found["largest_change"] == 0


def test_a_model_whose_input_is_as_large_as_the_images_gives_the_same_answers(
    trained_folder: Path, small_recipe: Recipe, patches: str, tmp_path: Path
) -> None:
    predictor, dataset = Predictor(trained_folder, tmp_path), load_split(small_recipe.source, "test", patches)
    same = measure_filters(predictor, dataset, {"width": [96, 96], "height": [96, 96]})
    assert not same["resized"] and same["largest_change"] == 0
    enlarged = dataset.map(lambda row: {**row, "image": row["image"].resize((150, 120))})
    other = measure_filters(predictor, enlarged, {"width": [150, 150], "height": [120, 120]})
    assert other["resized"] and other["largest_change"] > 0 and other["images"] == len(dataset)


def test_a_full_size_film_is_compared_with_the_version_of_the_same_name(tmp_path: Path) -> None:
    for folder, name, level in (("a", "IM-1", 200), ("b", "person2", 90), ("b", "person3", 10)):
        (tmp_path / folder).mkdir(exist_ok=True)
        PillowImage.new("RGB", (80, 60), (level,) * 3).save(tmp_path / folder / f"{name}.png")
    rows = []
    for name, level in (("person2.jpg", 100), ("other.jpg", 0), ("IM-1.jpg", 150)):
        PillowImage.new("RGB", (40, 40), (level,) * 3).save(tmp_path / name, "PNG")
        rows.append({"bytes": (tmp_path / name).read_bytes(), "path": name})
    dataset = Dataset.from_dict({"image": rows, "labels": [1, 0, 0]}).cast_column("image", Image())
    found = compare_sizes(
        lambda images: np.array([np.asarray(image).mean() for image in images]),
        [tmp_path / "a", tmp_path / "b"],
        {"test": dataset},
    )
    assert [(row["film"], row["label"], row["difference"]) for row in found] == [("IM-1", 0, 50), ("person2", 1, -10)]
    assert found[0]["full_size"] == [80, 60] and found[0]["stored_size"] == [40, 40]
    assert (found[1]["log_odds_full_size"], found[1]["log_odds_stored"]) == (90, 100)
