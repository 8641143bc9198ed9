"""Right for the right reasons (Ross et al. 2017): a loss for evidence outside the lungs.

The heat map is linear in the last features, so the share of absolute evidence that lies outside the lungs can be
differentiated like any other output, at no price.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d

EPSILON = 1e-3  # log-odds: where there is no evidence, none is outside


def evidence_of(features: Tensor, classifier: Any) -> Tensor:
    """Return (N, h, w) log-odds per cell without the bias: their mean plus the bias is the image's log-odds.

    Args:
        features: (N, d, h, w), before pooling.
        classifier: a linear layer with two outputs.
    """
    return torch.einsum("ndhw,d->nhw", features, classifier.weight[1] - classifier.weight[0])


def lungs_on_cells(lungs: Tensor, cells: tuple[int, int], stride: int, step: int, offset: tuple[int, int]) -> Tensor:
    """Return (N, h, w), the share of each cell that lies in the lungs, for a net with a random stride offset.

    Args:
        lungs: (N, H, W) 0 to 1.
        cells: height and width of the net's map.
        stride: of the exported net, px.
        step: stride of the training net, as a multiple of ``stride``.
        offset: of this batch, in cells of the exported net, down and right.
    """
    fine = avg_pool2d(lungs[:, None], stride)[:, 0, offset[0] :: step, offset[1] :: step]
    return fine[:, : cells[0], : cells[1]]


def dilate(lungs: Tensor, distance: int) -> Tensor:
    """Return (N, H, W) masks that reach ``distance`` px further; computed at half the resolution.

    Args:
        lungs: (N, H, W) 0 to 1, H and W even.
        distance: px; an odd one counts as the even one below.
    """
    reach = distance // 2
    halved = max_pool2d(avg_pool2d(lungs[:, None], 2), 2 * reach + 1, 1, reach)
    return halved.repeat_interleave(2, 2).repeat_interleave(2, 3)[:, 0]


def share_outside(evidence: Tensor, inside: Tensor) -> Tensor:
    """Return (N,) the share of absolute evidence outside the lungs, 0 to 1.

    Args:
        evidence: (N, h, w) log-odds per cell.
        inside: (N, h, w) share of each cell in the lungs; 1 everywhere for a film without a mask.
    """
    strength = evidence.abs()
    return (strength * (1 - inside)).sum((1, 2)) / (strength.sum((1, 2)) + EPSILON)
