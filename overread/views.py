"""The views of a picture that an ensemble's members see: as it is, and flipped, which changes no label."""

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
    """Return (..., H, W) the picture or map as that view shows it; flipping twice gives the first again.

    Args:
        values: (..., H, W), any leading axes.
        view: a key of ``FLIPPED_AXES``.
    """
    return np.ascontiguousarray(np.flip(values, FLIPPED_AXES[view]))
