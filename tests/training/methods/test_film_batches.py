from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from tests.training.two_hospitals import write_two_hospitals
from training.data.data_sets import CHEST_XRAY_PNEUMONIA
from training.data.lung_masks import kermany_lungs
from training.data.proportions import published_proportions
from training.data.splits import file_names
from training.data.two_hospitals import load_hospitals
from training.methods.augmentation import film_placement
from training.methods.film_batches import FilmBatches, lungs_of, weights_of
from training.recipes.augmentation_strengths import ChestXrayAugmentation
from training.recipes.nets import RECIPES
from training.recipes.recipe import Films

PREPROCESS = RECIPES["chest-xray-efficientnet-lite0"].preprocessing(64)
MIRRORED = ChestXrayAugmentation(degrees=0, translate=0, scale=(1, 1), gamma=1.05, sharpness=1, jpeg_quality=(95, 95))


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> FilmBatches:
    folder = write_two_hospitals(tmp_path_factory.mktemp("films"))
    dataset = load_hospitals(CHEST_XRAY_PNEUMONIA, "train", str(folder))
    lungs = lungs_of(dataset, kermany_lungs(folder.parent / "chest-xray-lungs"), Path("no lung net"))
    return FilmBatches(dataset, np.ones(len(dataset)), lungs, PREPROCESS, MIRRORED, label_smoothing=0.1)


def test_only_films_with_a_drawn_mask_have_lungs_where_no_net_finds_them(batches: FilmBatches) -> None:
    children = batches.hospitals[CHEST_XRAY_PNEUMONIA.dataset]
    assert set(batches.lungs) == set(range(children)) and children < len(batches)


def test_the_mask_moves_with_the_film(batches: FilmBatches) -> None:
    torch.manual_seed(0)
    batch = batches.draw(24, twice=False)
    assert batch.pixels.shape == (24, 3, 64, 64) and batch.lungs.shape == (24, 64, 64)
    for film, lungs in zip(batch.pixels[:, 0], batch.lungs, strict=True):
        if lungs.min() == 0:  # else the film has no mask: evidence may be anywhere
            assert film[lungs == 1].mean() + 0.3 < film[lungs == 0].mean()  # lungs are dark


def test_a_film_seen_twice_is_processed_in_two_ways_and_placed_in_one(batches: FilmBatches) -> None:
    torch.manual_seed(1)
    batch = batches.draw(12, twice=True)
    first, second = batch.pixels.chunk(2)
    assert batch.twice and not torch.equal(first, second)
    assert (first - second).abs().mean() < 0.15
    for values in (batch.lungs, batch.targets):
        assert torch.equal(*values.chunk(2))


def test_a_film_seen_twice_can_be_placed_in_two_ways_with_its_lungs(batches: FilmBatches) -> None:
    torch.manual_seed(1)
    crops = replace(MIRRORED, crop=1.0)
    place = v2.Compose(list(film_placement(crops)))
    again = copy(batches)
    again.place, again.placed_twice = place, True
    batch = again.draw(24, twice=True)
    assert torch.equal(*batch.targets.chunk(2))
    known = batch.lungs.amin((1, 2)) == 0
    first, second = batch.lungs.chunk(2)
    assert known.any() and not torch.equal(first, second)
    for film, lungs in zip(batch.pixels[known, 0], batch.lungs[known], strict=True):
        assert film[lungs == 1].mean() + 0.3 < film[lungs == 0].mean()


def test_proportions_do_not_tell_the_class_of_the_films_that_are_drawn(tmp_path: Path) -> None:
    folder = write_two_hospitals(tmp_path)
    dataset = load_hospitals(CHEST_XRAY_PNEUMONIA, "train", str(folder))
    recipe = RECIPES["chest-xray-efficientnet-lite0"]
    known = published_proportions(folder.parent / "chest-xray-lungs")
    children = np.asarray(dataset["hospital"]) == CHEST_XRAY_PNEUMONIA.dataset
    labels = np.asarray(dataset["labels"])
    logarithms = np.log([known.get(Path(name).stem, 1) for name in file_names(dataset)])
    gaps = []
    for same in (False, True):
        weights = weights_of(dataset, recipe, Films(same_proportions=same), str(folder))
        assert weights.sum() == pytest.approx(1) and weights[children].sum() == pytest.approx(0.67)
        means = [np.average(logarithms, weights=weights * children * (labels == label)) for label in (0, 1)]
        gaps.append(means[1] - means[0])
    assert gaps[0] > 0.1 and abs(gaps[1]) < 0.1 * gaps[0]


def test_targets_are_smoothed_and_text_mined_positives_are_worth_less(batches: FilmBatches) -> None:
    assert sorted(set(batches.targets.tolist())) == pytest.approx([0.05, 0.75 * 0.9 + 0.05, 0.95])


def test_the_note_counts_films_and_lungs(batches: FilmBatches) -> None:
    assert batches.note(4).startswith("Stage 4 learned from ")
    assert batches.note(4).endswith(f"the lungs of {len(batches.lungs)} were known.")
