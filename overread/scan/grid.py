"""Where the patches lie: a regular grid, centred in the image, that covers it to its borders."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Axis:
    """Patches along one axis of an image, in pixels at the model's scale.

    What the stride leaves over is divided between both ends, so an image of about a patch's size is centre-cropped.
    Every pixel belongs to the patch whose centre is nearest; the outermost patches own the pixels up to the border.
    """

    size: int
    patch: int
    stride: int

    @property
    def count(self) -> int:
        """The number of patches."""
        return 1 + (self.size - self.patch) // self.stride

    @property
    def offset(self) -> int:
        """The first patch's first pixel."""
        return (self.size - self.span) // 2

    @property
    def span(self) -> int:
        """The number of pixels from the first patch's start to the last one's end."""
        return self.patch + (self.count - 1) * self.stride

    @property
    def starts(self) -> Ints:
        """(count,) first pixel of each patch."""
        return self.offset + self.stride * np.arange(self.count)

    @property
    def edges(self) -> Doubles:
        """(count + 1,) borders of the pixels that each patch owns: 0, midway between centres, ..., ``size``."""
        centres = self.starts + self.patch / 2
        return np.concatenate([[0.0], (centres[:-1] + centres[1:]) / 2, [float(self.size)]])

    def owner(self, positions: Doubles) -> Ints:
        """Return the index of the patch that owns each position."""
        return np.clip(np.searchsorted(self.edges, positions, side="right") - 1, 0, self.count - 1)


@dataclass(frozen=True)
class Tile:
    """A block of patches that is read and answered at once: rows ``top:bottom``, columns ``left:right``."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def patches(self) -> tuple[slice, slice]:
        """Index of these patches in an array of (rows, columns)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


@dataclass(frozen=True)
class PatchGrid:
    """The patches of an image: ``y`` down, ``x`` across."""

    y: Axis
    x: Axis

    @classmethod
    def over(cls, size: tuple[int, int], patch: int, stride: int) -> "PatchGrid":
        """Return the grid over an image of (width, height) pixels at the model's scale."""
        return cls(Axis(size[1], patch, stride), Axis(size[0], patch, stride))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return self.y.count, self.x.count

    def tiles(self, side: int) -> list[Tile]:
        """Return blocks of patches that cover at most ``side`` pixels a side, row by row."""
        step = max(1, 1 + (side - self.x.patch) // self.x.stride)
        return [
            Tile(top, min(top + step, self.y.count), left, min(left + step, self.x.count))
            for top in range(0, self.y.count, step)
            for left in range(0, self.x.count, step)
        ]


def sums_between(values: npt.NDArray[Any], starts: Doubles, ends: Doubles, axis: int) -> Doubles:
    """Return sums of ``values`` from each start to its end along an axis; a cell cut by a border counts in part.

    Args:
        values: one value per cell; cell ``i`` covers ``i .. i + 1``.
        starts: in cells, fractions allowed; outside the array the values are zero.
        ends: likewise, of the same length.
        axis: the axis that is replaced by one of that length.
    """
    along = np.moveaxis(np.asarray(values, np.float64), axis, -1)
    total = np.concatenate([np.zeros((*along.shape[:-1], 1)), np.cumsum(along, axis=-1)], axis=-1)
    cells = along.shape[-1]

    def up_to(positions: Doubles) -> Doubles:
        inside = np.clip(positions, 0, cells)
        whole = np.minimum(inside.astype(np.int64), cells - 1)
        return total[..., whole] + (inside - whole) * along[..., whole]

    return np.moveaxis(up_to(ends) - up_to(starts), -1, axis)
