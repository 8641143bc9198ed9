"""Covers cells of an image, so that a visitor can ask what the model says without them."""

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from overread.errors import InputError

Cells = npt.NDArray[np.bool_]  # (h, w), True where covered
WORKING_SIDE = 128  # pixels: the fill is smooth, so it is made small and enlarged


class UnreadableCoverError(InputError):
    """The cells to cover are not those of this model's grid, or all or none of them."""


def cells_from_hex(text: str, shape: tuple[int, int]) -> Cells:
    """Return the covered cells from one bit per cell, by row, the first cell in the highest bit, as hexadecimal text.

    Raises:
        UnreadableCoverError: if the text is not of that form, or covers no cell or every cell.
    """
    count = shape[0] * shape[1]
    try:
        bits = np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8))
    except ValueError as error:
        raise UnreadableCoverError("The cells to cover cannot be read.") from error
    if len(bits) != -(-count // 8) * 8 or bits[count:].any():
        raise UnreadableCoverError(f"The map has {count} cells: send one bit for each.")
    cells = bits[:count].astype(bool).reshape(shape)
    if not cells.any() or cells.all():
        raise UnreadableCoverError("Cover some cells, and leave some.")
    return cells


def quietest_cells(heatmap: npt.NDArray[np.float32], covered: Cells) -> Cells:
    """Return as many cells as ``covered`` has that are not in it, or fewer if there are fewer: those of least evidence.

    Covering them shows what covering alone does to the answer.
    """
    order = np.argsort(np.where(covered, np.inf, np.abs(heatmap)), axis=None, kind="stable")
    count = min(int(covered.sum()), int((~covered).sum()))
    chosen = np.zeros(covered.size, bool)
    chosen[order[:count]] = True
    return chosen.reshape(covered.shape)


def cover(image: Image.Image, cells: Cells) -> Image.Image:
    """Return a copy of the RGB image whose covered cells are filled from what surrounds them.

    The fill is the mean of the uncovered pixels around, weighted by a Gaussian (normalised convolution, Knutsson and
    Westin 1993), widened until every covered pixel has neighbours.
    """
    small = image.resize((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX)
    hidden = Image.fromarray(cells).convert("L").resize(small.size, Image.Resampling.NEAREST)
    hidden = hidden.filter(ImageFilter.MaxFilter(3))  # a pixel at the edge has a part of what is covered
    keep = np.asarray(hidden) == 0  # (H, W)
    pixels = np.asarray(small, np.float64) * keep[..., None]  # (H, W, 3)
    filled = np.broadcast_to(pixels.sum((0, 1)) / keep.sum(), pixels.shape).copy()
    for radius in (64, 32, 16, 8, 4):  # from far to near: a nearer mean replaces a farther one where it has neighbours
        weight = _blurred(keep.astype(np.float64) * 255, radius)
        near = np.stack([_blurred(pixels[..., channel], radius) for channel in range(3)], axis=-1)
        known = weight > 64  # of 255; less is too coarse in 8 bits
        filled[known] = near[known] / (weight[known, None] / 255)
    fill = Image.fromarray(np.clip(np.round(filled), 0, 255).astype(np.uint8)).resize(
        image.size, Image.Resampling.BICUBIC
    )
    mask = Image.fromarray(cells).convert("L").resize(image.size, Image.Resampling.NEAREST)
    covered = image.copy()
    covered.paste(fill, mask=mask)
    return covered


def _blurred(values: npt.NDArray[np.float64], radius: int) -> npt.NDArray[np.float64]:
    """Return (H, W) values of 0 to 255 after a Gaussian blur."""
    blurred = Image.fromarray(np.round(values).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(blurred, np.float64)
