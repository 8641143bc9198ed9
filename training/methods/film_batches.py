"""Training batches of films with their lungs: drawn from two hospitals, placed, exposed and processed at random."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from datasets import Dataset
from PIL import Image
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from overread.preprocessing import Preprocessing
from training.data.data_sets import Source, folder_beside
from training.data.lung_masks import SIDE, kermany_lungs, mask_of
from training.data.proportions import same_proportions
from training.data.splits import file_names
from training.data.two_hospitals import balancing_weights, load_hospitals
from training.methods.augmentation import film_exposure, film_placement, film_processing
from training.methods.lung_net import pseudo_lungs
from training.recipes.augmentation_strengths import AUGMENTATIONS, ChestXrayAugmentation
from training.recipes.recipe import Films, Recipe, Stage

LUNG_NET = "chest-xray-lungs"  # name of the trained lung net
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class FilmBatch:
    """Films as a net sees them; with ``twice`` the second half shows the films of the first, processed otherwise."""

    pixels: Tensor  # (N, 3, H, W) float32, normalised
    lungs: Tensor  # (N, H, W) float32, 0 or 1; 1 everywhere where a film has no mask
    targets: Tensor  # (N,) float32, what the labels are worth
    twice: bool


class FilmBatches:
    """Draws training batches from a data set of ``load_hospitals``."""

    def __init__(
        self,
        dataset: Dataset,
        weights: npt.NDArray[np.float64],
        lungs: Mapping[int, Mask],
        preprocess: Preprocessing,
        settings: ChestXrayAugmentation,
        label_smoothing: float,
        placed_twice: bool = False,
    ) -> None:
        """Decode all films, at the net's input size.

        Args:
            dataset: with columns ``image`` and ``target``.
            weights: (N,) how often each film is drawn, relative to the others.
            lungs: masks (224, 224) by row; films without one do not tell where evidence belongs.
            preprocess: of the net.
            settings: of the augmentation.
            label_smoothing: moves targets towards one half.
            placed_twice: a film that is seen twice is also placed and exposed in two ways.
        """
        self.films = [preprocess.resize(image.convert("RGB")) for image in dataset["image"]]
        self.targets = torch.tensor(dataset["target"]) * (1 - label_smoothing) + label_smoothing / 2
        self.weights = torch.from_numpy(weights)
        self.hospitals = Counter(dataset["hospital"])
        self.lungs, self.everywhere = lungs, np.ones((SIDE, SIDE), bool)
        self.preprocess, self.placed_twice = preprocess, placed_twice
        self.place = v2.Compose(list(film_placement(settings)))
        self.expose = v2.Compose(list(film_exposure(settings)))
        self.process = v2.Compose(list(film_processing(settings)))

    def __len__(self) -> int:
        """Return the number of films."""
        return len(self.films)

    def draw(self, size: int, twice: bool) -> FilmBatch:
        """Return a batch of ``size`` pictures: of as many films, or of half as many, each processed in two ways."""
        rows = torch.multinomial(self.weights, size // 2 if twice else size, replacement=True)
        placed = [self._placed(row) for row in rows.tolist()]
        if twice:
            placed += [self._placed(row) for row in rows.tolist()] if self.placed_twice else placed
        pictures = [self.process(film) for film, _ in placed]
        pixels = torch.from_numpy(np.stack([self.preprocess.normalise(picture) for picture in pictures]))
        return FilmBatch(
            pixels.contiguous(memory_format=torch.channels_last),
            torch.stack([lungs for _, lungs in placed]),
            torch.cat([self.targets[rows]] * (1 + twice)).float(),
            twice,
        )

    def note(self, stage: int) -> str:
        """Return the sentence about these films for the training record."""
        parts = [f"{number:,} films of `{name}`" for name, number in self.hospitals.items()]
        return f"Stage {stage} learned from {' and '.join(parts)}; the lungs of {len(self.lungs):,} were known."

    def _placed(self, row: int) -> tuple[Image.Image, Tensor]:
        film = self.films[row]
        mask = Image.fromarray(self.lungs.get(row, self.everywhere)).resize(film.size, Image.Resampling.NEAREST)
        moved, lungs = self.place(film, tv_tensors.Mask(np.asarray(mask, np.uint8)[None]))
        inside = torch.as_tensor(lungs[0], dtype=torch.float32) if row in self.lungs else torch.ones(film.size[::-1])
        return self.expose(moved), inside


def load_film_batches(
    recipe: Recipe, stage: Stage, films: Films, runs: Path, data: str | None = None, lung_net: Path | None = None
) -> FilmBatches:
    """Return the training films of a stage, of both hospitals, with their lungs.

    Args:
        recipe: of the net; its source names the second one and the masks.
        stage: of the recipe.
        films: of the stage.
        runs: holds the trained lung net, which finds the lungs that nobody drew.
        data: a local folder in the data set's schema, the others beside it (default: the Hub).
        lung_net: folder of another lung net, such as the exported one.
    """
    dataset = load_hospitals(recipe.source, "train", data)
    settings = AUGMENTATIONS[stage.augmentation]
    if not isinstance(settings, ChestXrayAugmentation):
        raise ValueError(f"{stage.augmentation} is not for films")
    masks = recipe.source.masks
    drawn = kermany_lungs(folder_beside(data, masks)) if masks else {}
    return FilmBatches(
        dataset,
        weights_of(dataset, recipe, films, data),
        lungs_of(dataset, drawn, lung_net or runs / LUNG_NET / "final"),
        recipe.preprocessing(stage.size),
        settings,
        recipe.label_smoothing,
        films.placed_twice,
    )


def licences(source: Source) -> str:
    """Return the sentence about the licences of films and masks for the training record."""
    known = [f"`{each.dataset}`: {each.licence}" for each in (source, source.second) if each]
    return f"Licences: {'; '.join(known)}; drawn lungs, `{source.masks}`: V7 Labs 2020, CC BY 4.0."


def films_as_drawn(recipe: Recipe, films: Films, number: int, data: str | None = None) -> Dataset:
    """Return training films of both hospitals, as often from each as a stage draws them."""
    dataset = load_hospitals(recipe.source, "train", data)
    weights = weights_of(dataset, recipe, films, data)
    return dataset.select(np.random.default_rng(recipe.seed).choice(len(dataset), number, p=weights))


def weights_of(dataset: Dataset, recipe: Recipe, films: Films, data: str | None = None) -> npt.NDArray[np.float64]:
    """Return (N,) how often a stage draws each film of both hospitals, adding up to 1."""
    within = same_proportions(dataset, recipe.source, data) if films.same_proportions else None
    return balancing_weights(dataset, films.second_share, within)


def lungs_of(dataset: Dataset, drawn: Mapping[str, Mask], lung_net: Path) -> dict[int, Mask]:
    """Return masks by row: drawn ones, and where a film has none, what the lung net finds in it.

    Args:
        dataset: of ``load_hospitals``.
        drawn: masks by film name.
        lung_net: folder of the trained lung net; films without a drawn mask have none if it does not exist.
    """
    names = file_names(dataset)
    masks = {row: mask for row, name in enumerate(names) if (mask := mask_of(name, drawn)) is not None}
    rest = [row for row in range(len(names)) if row not in masks]
    if rest and lung_net.is_dir():
        found = pseudo_lungs([image.convert("RGB") for image in dataset.select(rest)["image"]], lung_net)
        masks |= dict(zip(rest, found, strict=True))
    return masks
