"""Test-time augmentation: the image as it is, flipped and turned by 180°, none of which changes the label."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

AS_IT_IS = "as it is"
FLIPPED_AXES: Mapping[str, tuple[int, ...]] = {
    AS_IT_IS: (),
    "flipped left to right": (-1,),
    "flipped top to bottom": (-2,),
    "turned by 180°": (-2, -1),
}


def flip(values: npt.NDArray[np.float32], view: str) -> npt.NDArray[np.float32]:
    """Return the (..., H, W) image or map in that view; applying a view twice restores the original.

    Args:
        values: (..., H, W), any leading axes.
        view: a key of ``FLIPPED_AXES``.
    """
    return np.ascontiguousarray(np.flip(values, FLIPPED_AXES[view]))
