"""Augmentation of films and their lung masks, on batches of tensors: geometry, greys, sharpness and resampling.

A share of the films is turned, or its tiles are shuffled, and then has no lungs: the net learns to see none in what is
not an upright film.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

TURNED = 0.12  # of the films: upside down, flipped top to bottom, or on a side
SHUFFLED = 0.05  # of the films: tiles in random order
TILES = 4  # in a row
FILTERS = (
    {"mode": "area"},
    {"mode": "bilinear", "antialias": True, "align_corners": False},
    {"mode": "bilinear", "align_corners": False},
    {"mode": "bicubic", "antialias": True, "align_corners": False},
    {"mode": "bicubic", "align_corners": False},
)


def augmented(films: Tensor, lungs: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Return films, (N, 1, side, side), and lungs, (N, side, side), in 0..1, both changed at random.

    Args:
        films: (N, 1, H, W) in 0..1, larger than ``side``.
        lungs: (N, 1, H, W) in 0..1.
        side: of the result, px.
    """
    films, lungs = _moved(films, lungs)
    films, lungs = _without_lungs(films, lungs)
    films = _other_greys(films)
    films = _other_sharpness(films)
    films = _small(_erased(films), side)
    return films.clamp(0, 1), functional.interpolate(lungs, size=(side, side), mode="area")[:, 0]


def _moved(films: Tensor, lungs: Tensor) -> tuple[Tensor, Tensor]:
    """Rotate by up to 15 degrees, scale, squash, shear, shift and mirror; outside is black, or the edge repeated."""
    count = len(films)
    angle = _uniform(count, -math.pi / 12, math.pi / 12)
    across, down = torch.exp(_uniform(count, -0.35, 0.3)), torch.exp(_uniform(count, -0.35, 0.3))
    across = across * (1 - 2.0 * (torch.rand(count) < 0.5))  # mirrored
    shear = _uniform(count, -0.1, 0.1)
    rows = (
        torch.stack([angle.cos() * across, (shear - angle.sin()) * down, _uniform(count, -0.15, 0.15)], 1),
        torch.stack([angle.sin() * across, angle.cos() * down, _uniform(count, -0.15, 0.15)], 1),
    )
    grid = functional.affine_grid(torch.stack(rows, 1), list(films.shape), align_corners=False)
    outside = "zeros" if torch.rand(()) < 0.5 else "border"
    moved = functional.grid_sample(films, grid, padding_mode=outside, align_corners=False)
    return moved, functional.grid_sample(lungs, grid, align_corners=False)


def _without_lungs(films: Tensor, lungs: Tensor) -> tuple[Tensor, Tensor]:
    films, lungs = films.clone(), lungs.clone()
    for row, draw in enumerate(torch.rand(len(films)).tolist()):
        if draw < TURNED:
            turn = int(torch.randint(4, ()))
            film = films[row]
            films[row] = film.flip(1) if turn == 0 else torch.rot90(film, turn, (1, 2))
        elif draw < TURNED + SHUFFLED:
            films[row] = _shuffled(films[row])
        else:
            continue
        lungs[row] = 0
    return films, lungs


def _shuffled(film: Tensor) -> Tensor:
    """Return (1, H, W) with its tiles in random order; H and W are divisible by ``TILES``."""
    height, width = film.shape[1] // TILES, film.shape[2] // TILES
    tiles = film.reshape(TILES, height, TILES, width).permute(0, 2, 1, 3).reshape(-1, height, width)
    order = tiles[torch.randperm(len(tiles))].reshape(TILES, TILES, height, width)
    return order.permute(0, 2, 1, 3).reshape(film.shape)


def _other_greys(films: Tensor) -> Tensor:
    """Map greys through a gamma and a random monotone curve, shade the film to one side, add noise."""
    count, _, height, width = films.shape
    films = films.clamp(1e-3, 1) ** torch.exp(0.4 * torch.randn(count, 1, 1, 1))
    rises = torch.distributions.Dirichlet(torch.full((6,), 4.0)).sample((count,))
    knots = torch.cat([torch.zeros(count, 1), rises.cumsum(1)], 1)  # (N, 7)
    place = films * 6
    low = place.floor().clamp(max=5).long()
    flat = low.reshape(count, -1)
    start, end = knots.gather(1, flat).view_as(films), knots.gather(1, flat + 1).view_as(films)
    black, white = _uniform(count, 0, 0.35), _uniform(count, 0.65, 1.1)
    films = (start + (end - start) * (place - low)) * _column(white - black) + _column(black)
    angle, strength = _uniform(count, 0, 2 * math.pi), _uniform(count, 0, 0.3)
    rows, columns = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)[None]
    films = films * (1 + _column(strength) * (_column(angle.sin()) * rows + _column(angle.cos()) * columns))
    return (films + _column(_uniform(count, 0, 0.04)) * torch.randn_like(films)).clamp(0, 1)


def _other_sharpness(films: Tensor) -> Tensor:
    """Blur the batch, sharpen it, or leave it."""
    kind = float(torch.rand(()))
    if kind < 0.4:
        return films
    size = 3 if torch.rand(()) < 0.5 else 7
    blurred = functional.avg_pool2d(films, size, 1, size // 2, count_include_pad=False)
    strength = float(torch.rand(()))
    return films + (blurred - films if kind < 0.7 else films - blurred) * strength


def _erased(films: Tensor) -> Tensor:
    """Paint a grey box over a corner of two in five films, where markers and letters are."""
    films = films.clone()
    height, width = films.shape[2:]
    for row in torch.nonzero(torch.rand(len(films)) < 0.4)[:, 0].tolist():
        tall, wide = (int(side * 0.25 * float(torch.rand(()))) + 1 for side in (height, width))
        top, left = int(torch.randint(2, ())) * (height - tall), int(torch.randint(2, ())) * (width - wide)
        films[row, :, top : top + tall, left : left + wide] = torch.rand(())
    return films


def _small(films: Tensor, side: int) -> Tensor:
    """Resample by one of five filters: visitors' films arrive by any."""
    return functional.interpolate(films, size=(side, side), **FILTERS[int(torch.randint(len(FILTERS), ()))])


def _uniform(count: int, low: float, high: float) -> Tensor:
    return low + (high - low) * torch.rand(count)


def _column(values: Tensor) -> Tensor:
    return values[:, None, None, None]
