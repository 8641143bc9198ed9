"""The bytes of an image, from the event itself, from S3 or from an https link."""

import os

from overread.link_download import fetch
from overread_lambda.events import Link
from overread_lambda.s3_objects import S3Object, read_object

HOSTS_VARIABLE = "OVERREAD_URL_HOSTS"


def read(image: bytes | S3Object | Link) -> bytes:
    """Return the image's bytes.

    Raises:
        NotAllowedError: the function may not read from that place.
        SourceError: the place cannot be read.
        S3UnavailableError: S3 cannot be reached now.
        ImageTooLargeError: the file is larger than ``overread.images.MAX_FILE_BYTES``.
    """
    if isinstance(image, S3Object):
        return read_object(image)
    if isinstance(image, Link):
        return fetch(image.url, allowed_hosts())
    return image


def allowed_hosts() -> frozenset[str]:
    """Return the hosts in ``OVERREAD_URL_HOSTS`` ("example.org" or "example.org:8443"); none by default."""
    listed = os.environ.get(HOSTS_VARIABLE, "").split(",")
    return frozenset(host.strip().lower() for host in listed if host.strip())
