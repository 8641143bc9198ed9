"""Errors of the Lambda function, one type per cause, and the HTTP status of every error.

Errors of the images themselves are in ``overread.errors``.
"""

from overread.errors import (
    ImageTooLargeError,
    InputError,
    NotAllowedError,
    OverreadError,
    RefusedImageError,
    UnsupportedImageError,
)


class RequestError(InputError):
    """A field of the event is missing or cannot be understood."""


class MethodError(RequestError):
    """The HTTP method is not POST."""


class ContentTypeError(RequestError):
    """The Content-Type of the HTTP body is neither JSON nor an image."""


class TooMuchError(RequestError):
    """The request has too many images, or its answer would be too long."""


class S3UnavailableError(OverreadError):
    """S3 cannot be reached or is overloaded; the same request can succeed later."""


class SettingError(OverreadError):
    """An environment variable of the function is missing or wrong; only the function's owner can set it."""


class ResultError(OverreadError):
    """An answer cannot be stored in the result bucket."""


class RecordsFailedError(OverreadError):
    """Images of an S3 event got no answer for a reason that can pass; Lambda must deliver the event again."""


# The first type that matches decides. An error of no listed type is a fault of the function: 500.
STATUS: tuple[tuple[type[Exception], int], ...] = (
    (MethodError, 405),
    (ContentTypeError, 415),
    (TooMuchError, 413),
    (NotAllowedError, 403),
    (UnsupportedImageError, 415),
    (RefusedImageError, 422),
    (ImageTooLargeError, 413),
    (S3UnavailableError, 503),
    (InputError, 400),
)


def status_of(error: Exception) -> int:
    """Return the HTTP status for an exception."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)
