from pathlib import Path

import numpy as np
import pytest

from overread.catalogue import CatalogueEntry, catalogue
from overread.classifier import Classifier
from overread.errors import ModelFolderError
from training.data.splits import load_split
from training.measure.predictions import Predictions, Predictor, read_predictions, write_predictions
from training.recipes.recipe import Recipe

NIH = 129  # validation films of the second hospital


def test_predictions_read_back_as_they_were_written(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    made = {part: Predictions(random.integers(0, 2, 50), random.normal(0, 9, 50)) for part in ("validation", "test")}
    write_predictions(tmp_path, made)  # type: ignore[arg-type]
    read = read_predictions(tmp_path)
    assert list(read) == ["validation", "test"]
    for part, predictions in read.items():
        np.testing.assert_array_equal(predictions.labels, made[part].labels)
        np.testing.assert_array_equal(predictions.log_odds, made[part].log_odds)


def test_a_missing_file_names_the_command_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="`python -m training evaluate` writes it"):
        read_predictions(tmp_path)


def test_a_nets_predictions_are_the_apps_and_are_cached(
    trained_folder: Path, small_recipe: Recipe, patches: str, tmp_path: Path
) -> None:
    dataset = load_split(small_recipe.source, "test", patches)
    made = Predictor(trained_folder, tmp_path).predictions(dataset, "test")
    images = [image.convert("RGB") for image in dataset["image"]]
    answers = Classifier(trained_folder, threads=1).predict_batch(images)
    np.testing.assert_allclose(made.log_odds, [answer.log_odds for answer in answers], atol=1e-5)
    (cached,) = (tmp_path / "predictions").glob("*.npz")
    written = cached.stat().st_mtime_ns
    again = Predictor(trained_folder, tmp_path).predictions(dataset, "test")
    np.testing.assert_array_equal(again.log_odds, made.log_odds)
    assert cached.stat().st_mtime_ns == written


@pytest.mark.parametrize("entry", catalogue().values(), ids=lambda entry: entry.name)
def test_every_model_has_the_labels_of_its_domain(entry: CatalogueEntry) -> None:
    images = {part: len(made.labels) for part, made in read_predictions(entry.bundled_folder).items()}
    expected = {"validation": 652 + NIH, "corrupted": 652 + NIH, "test": 624, "external": 171}
    assert images == (expected if entry.domain == "chest-xray" else {"validation": 2907, "test": 1462})
