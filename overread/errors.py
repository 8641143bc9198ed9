"""One exception type per cause; the message is one sentence for the person who sent the input."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from overread.guard import Verdict


class OverreadError(Exception):
    """Base of every error that this package raises on purpose; ``str(error)`` is fit for users."""


class InputError(OverreadError):
    """The caller's input is at fault: a corrected input would be answered."""


class EmptyImageError(InputError):
    """The input is empty."""


class UnsupportedImageError(InputError):
    """The input is not an image of a supported format."""


class CorruptImageError(InputError):
    """The file has a supported format, but is damaged or incomplete."""


class ImageTooLargeError(InputError):
    """The file or its image exceeds the size limit."""


class ImageTooSmallError(InputError):
    """The image has fewer pixels per side than the minimum."""


class UnknownScaleError(InputError):
    """The image's physical scale (um/px) is neither in the file nor given."""


class LargerThanPatchError(InputError):
    """The image covers more than the patch that the model answers for: it has to be scanned."""


class RefusedImageError(InputError):
    """The image is not of the kind that the model reads; with ``answer_anyway`` it is answered, with a warning."""

    def __init__(self, message: str = "", verdict: Verdict | None = None) -> None:
        """Keep the message and the guard's verdict."""
        super().__init__(message)
        self.verdict = verdict


class SourceError(InputError):
    """An image cannot be read from the place that was named, such as a link or an S3 object."""


class NotAllowedError(SourceError):
    """Reading from the place that was named is not allowed."""


class UnknownModelError(InputError):
    """The catalogue has no model of that name."""


class UnknownOperatingPointError(InputError):
    """The model has no operating point of that name."""


class ModelFolderError(OverreadError):
    """A model folder is incomplete, or its files are not those that the catalogue pins."""
