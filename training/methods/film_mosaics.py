"""Half-film mosaics: the left half of one film beside the right half of another, each answering for its own label.

Quarter mosaics of four whole films are ``mosaic_training``'s. Films show two lungs, so halves are what a map must tell
apart: evidence that leaks across the seam is an error, which training removes.
"""

import torch
from torch import Tensor


def join_halves(films: Tensor, order: Tensor) -> Tensor:
    """Return (N, ..., W): the left half of each film beside the right half of ``films[order]``; W even."""
    middle = films.shape[-1] // 2
    return torch.cat([films[..., :middle], films[order][..., middle:]], -1)


def mean_of_halves(evidence: Tensor, step: int, offset: int) -> Tensor:
    """Return (N, 2), the mean evidence of the left and of the right half of a map.

    Args:
        evidence: (N, h, w) log-odds per cell.
        step: distance of the map's columns, in columns of the exported net's map.
        offset: where the first column is, in columns of the exported net's map.
    """
    columns = offset + step * torch.arange(evidence.shape[-1])
    left = columns < step * evidence.shape[-1] / 2
    return torch.stack([evidence[..., left].mean((1, 2)), evidence[..., ~left].mean((1, 2))], 1)
