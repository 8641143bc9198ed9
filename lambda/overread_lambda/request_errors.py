"""What can be wrong with an event, one named type per cause; what is wrong with a picture is in ``overread.errors``.

``STATUS`` is the one place where an error's type becomes an HTTP status.
"""

from overread.errors import ImageTooLargeError, InputError, NotAllowedError, UnsupportedImageError


class RequestError(InputError):
    """The event lacks something, or something in it cannot be understood."""


class MethodError(RequestError):
    """An HTTP method other than POST."""


class ContentTypeError(RequestError):
    """An HTTP body that says it is neither JSON nor a picture."""


class TooMuchError(RequestError):
    """More pictures, or a longer answer, than one request may have."""


# The first type that fits counts. What fits none is our own fault: 500.
STATUS: tuple[tuple[type[Exception], int], ...] = (
    (MethodError, 405),
    (ContentTypeError, 415),
    (TooMuchError, 413),
    (NotAllowedError, 403),
    (UnsupportedImageError, 415),
    (ImageTooLargeError, 413),
    (InputError, 400),
)


def status_of(error: Exception) -> int:
    """Return the HTTP status that an exception is answered with."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)
