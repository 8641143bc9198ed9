from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from overread.catalogue import MODELS_FOLDER, catalogue
from overread.guard_file import read_guard
from overread.model_folder import GUARD_FILE, digests_of
from overread.pixel_statistics import pixel_statistics
from tests.support.tiny_model import write_tiny_model
from tests.training.finished_models import finish
from training.fit_guard import (
    features,
    fit_kind,
    fit_small_kind,
    gaussian,
    magnify,
    squared_distances,
    with_mirrored,
    write_guards,
)

RANDOM = np.random.default_rng(1)
MIXING = RANDOM.normal(size=(5, 5))


def rows(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 5)) @ MIXING + 3.0


def test_distances_are_scipys_mahalanobis_with_scikit_learns_covariance() -> None:
    train, validation = rows(200, 1), rows(10, 2)
    deviation = train.std(axis=0)
    standardised = LedoitWolf(assume_centered=True).fit((train - train.mean(axis=0)) / deviation).precision_
    expected = [
        mahalanobis(row, train.mean(axis=0), standardised / np.outer(deviation, deviation)) ** 2 for row in validation
    ]
    assert squared_distances(validation, *gaussian(train)) == pytest.approx(expected)


def test_limits_are_quantiles_of_the_validation_images() -> None:
    train, validation = rows(500, 1), rows(1000, 2)
    kind = fit_kind("a row", ("grey",), train, validation, unfamiliar=0.05)
    distances = squared_distances(validation, kind.mean, kind.precision)
    assert (distances > kind.limit).mean() == pytest.approx(0.01)
    assert (distances > kind.familiar).mean() == pytest.approx(0.05)


def test_a_small_source_has_its_limit_from_held_out_patients() -> None:
    """Rows of one patient are equal: a limit from rows that were fitted would be too small for new patients."""
    patients = np.repeat(np.arange(60), 3)
    images = rows(60, 3)[patients]
    kind = fit_small_kind("a row", ("grey",), images, patients.tolist())
    assert kind.limit == kind.familiar
    assert fit_small_kind("a row", ("grey",), images, patients.tolist(), unfamiliar=0.1).familiar < kind.familiar
    assert (squared_distances(images, kind.mean, kind.precision) > kind.limit).mean() < 0.01
    assert (squared_distances(rows(5000, 4), kind.mean, kind.precision) > kind.limit).mean() < 0.03


def test_a_statistic_that_never_varies_does_not_refuse_rounding_errors() -> None:
    train = np.column_stack([rows(200, 1), np.zeros(200)])
    mean, precision = gaussian(train)
    assert np.isfinite(precision).all()
    same = np.append(mean[:5], 1e-5)
    assert squared_distances(same[None], mean, precision)[0] < 0.01


def noise(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (96, 96, 3), np.uint8))


def test_features_are_the_parts_in_their_order_and_mirror_images_are_added() -> None:
    found = [pixel_statistics(noise(seed)) for seed in range(3)]
    together = features(with_mirrored(found), ("layout", "grey"))
    assert together.shape == (6, 64)
    assert together[1] == pytest.approx(np.concatenate([found[1].layout, found[1].grey]))
    assert together[4] == pytest.approx(np.concatenate([found[1].mirrored().layout, found[1].grey]))


def test_magnifying_depends_on_the_row_only_and_makes_an_image_of_the_same_size_smoother() -> None:
    image = noise(1)
    assert magnify(image, 7).tobytes() == magnify(image, 7).tobytes() != magnify(image, 8).tobytes()
    changed = [magnify(image, row) for row in range(20)]
    assert {other.size for other in changed} == {(96, 96)}
    steps = [np.abs(np.diff(np.asarray(other, float), axis=0)).mean() for other in (image, *changed)]
    assert max(steps[1:]) < steps[0]


def test_a_fitted_guard_is_written_into_its_domains_folders_and_pinned_beside_the_other_files(tmp_path: Path) -> None:
    folder = finish(write_tiny_model(tmp_path / "models" / "tiny"))
    file = tmp_path / "models" / "catalogue.json"
    before = dict(catalogue(file)["tiny"].sha256)
    guard = read_guard(MODELS_FOLDER / "pcam-resnet18")
    assert guard is not None
    write_guards({"histopathology": guard}, tmp_path / "models")
    pinned = catalogue(file)["tiny"].sha256
    assert pinned == digests_of(folder) and set(pinned) == {*before, GUARD_FILE}
    assert before.items() <= pinned.items()
