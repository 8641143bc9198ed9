"""What can go wrong, one named type per cause; the message is one sentence for the person who sent the input."""


class OverreadError(Exception):
    """Base of every error that this package raises on purpose; ``str(error)`` can be shown to anybody."""


class InputError(OverreadError):
    """The caller's input is at fault: another input would be answered."""


class EmptyImageError(InputError):
    """Nothing was sent."""


class UnsupportedImageError(InputError):
    """The bytes are no picture of a kind that is read here."""


class CorruptImageError(InputError):
    """The file starts like a picture and cannot be read to its end."""


class ImageTooLargeError(InputError):
    """The file or the picture in it is larger than is accepted."""


class ImageTooSmallError(InputError):
    """The picture has too few pixels to show anything."""


class SourceError(InputError):
    """A picture named by its place (a link, S3) cannot be read from there."""


class NotAllowedError(SourceError):
    """A place that pictures are not read from."""


class UnknownModelError(InputError):
    """No model of that name is in the catalogue."""


class UnknownOperatingPointError(InputError):
    """The model has no operating point of that name."""


class ModelFolderError(OverreadError):
    """A model folder is incomplete or is not what the catalogue promised."""
