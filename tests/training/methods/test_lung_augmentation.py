import pytest
import torch

from training.methods import lung_augmentation
from training.methods.lung_augmentation import TILES, augmented


@pytest.fixture
def films() -> tuple[torch.Tensor, torch.Tensor]:
    """64 films, and their lungs: a bright ellipse to the upper left of a dim film."""
    down, across = torch.meshgrid(torch.linspace(-1, 1, 224), torch.linspace(-1, 1, 224), indexing="ij")
    lungs = ((across + 0.3) ** 2 / 0.1 + (down + 0.4) ** 2 / 0.2 < 1).float().expand(64, 1, -1, -1).clone()
    return 0.2 + 0.6 * lungs, lungs


def test_films_and_lungs_get_the_size_of_the_net(films: tuple[torch.Tensor, torch.Tensor]) -> None:
    torch.manual_seed(0)
    film, lungs = augmented(*films, 112)
    assert film.shape == (64, 1, 112, 112) and lungs.shape == (64, 112, 112)
    assert film.min() >= 0 and film.max() <= 1 and lungs.min() >= 0 and lungs.max() <= 1


def test_lungs_move_with_the_film(films: tuple[torch.Tensor, torch.Tensor]) -> None:
    torch.manual_seed(1)
    film, lungs = lung_augmentation._moved(*films)
    bright = (film > 0.5).float()
    shared = (bright * lungs).sum((1, 2, 3)) / torch.maximum(bright, lungs).sum((1, 2, 3))
    assert shared.min() > 0.9
    assert (lungs[0] != lungs[1]).any()


def test_what_is_no_upright_film_has_no_lungs(films: tuple[torch.Tensor, torch.Tensor]) -> None:
    torch.manual_seed(2)
    film, lungs = lung_augmentation._without_lungs(*films)
    changed = (film != films[0]).flatten(1).any(1)
    assert 2 < changed.sum() < 32
    assert (lungs[changed] == 0).all() and (lungs[~changed] == films[1][~changed]).all()


def test_shuffled_tiles_are_the_same_tiles() -> None:
    torch.manual_seed(3)
    film = torch.arange(TILES * TILES).float().reshape(1, TILES, TILES).repeat_interleave(8, 1).repeat_interleave(8, 2)
    shuffled = lung_augmentation._shuffled(film)
    assert (shuffled != film).any()
    assert sorted(shuffled[0, ::8, ::8].flatten().tolist()) == list(range(TILES * TILES))
    assert (shuffled[0, :8, :8] == shuffled[0, 0, 0]).all()


def test_grey_curves_keep_the_order_of_greys() -> None:
    torch.manual_seed(4)
    ramp = torch.linspace(0, 1, 224).expand(8, 1, 224, 224).clone()
    changed = lung_augmentation._other_greys(ramp)
    means = changed.mean(2)[:, 0]  # (8, 224), noise and shading averaged along the columns
    assert (means[:, 150:].mean(1) > means[:, :70].mean(1)).all()
