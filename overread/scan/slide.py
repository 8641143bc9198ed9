"""A slide or field of view as the scan sees it: a size, pyramid levels, a scale, and pixels of any rectangle."""

from typing import Protocol, runtime_checkable

from PIL import Image

from overread.scale import Scale


@runtime_checkable
class Slide(Protocol):
    """An open image; safe to read from several threads.

    Attributes:
        size: (width, height) in pixels of the full resolution.
        downsamples: full-resolution pixels per pixel of each pyramid level, finest first: ``(1.0, ...)``.
        scale: um/px at full resolution, or None where the file does not say.
        notes: what a reader of the result should know of how the file was read.
    """

    size: tuple[int, int]
    downsamples: tuple[float, ...]
    scale: Scale | None
    notes: tuple[str, ...]

    def level_size(self, level: int) -> tuple[int, int]:
        """Return (width, height) of a pyramid level."""
        ...

    def read(self, level: int, x: int, y: int, width: int, height: int) -> Image.Image:
        """Return an RGB rectangle that lies within a pyramid level, in that level's pixels."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class WholeImage:
    """A decoded image in memory: PNG, JPEG, small TIFF, DICOM of one frame."""

    downsamples: tuple[float, ...] = (1.0,)

    def __init__(self, image: Image.Image, scale: Scale | None = None, notes: tuple[str, ...] = ()) -> None:
        """Wrap an RGB image."""
        self._image = image
        self.size = image.size
        self.scale = scale
        self.notes = notes

    def level_size(self, level: int) -> tuple[int, int]:
        """Return the image's size: it has one level."""
        return self.size

    def read(self, level: int, x: int, y: int, width: int, height: int) -> Image.Image:
        """Return the rectangle."""
        return self._image.crop((x, y, x + width, y + height))

    def close(self) -> None:
        """Do nothing: the image lives in memory."""
