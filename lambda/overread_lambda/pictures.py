"""The bytes of a picture, wherever the event says it is: in the event, in S3 or behind a link."""

import functools
import os
from typing import Any

from overread.errors import ImageTooLargeError, NotAllowedError, SourceError
from overread.fetch import fetch
from overread.images import MAX_FILE_BYTES
from overread_lambda.events import Link, S3Object

HOSTS_VARIABLE = "OVERREAD_URL_HOSTS"
BotoClient = Any  # boto3 makes its clients' classes when it runs
DENIED = ("AccessDenied", "403", "AllAccessDisabled")


def read(image: bytes | S3Object | Link) -> bytes:
    """Return the picture's bytes.

    Raises:
        NotAllowedError: the place is not open to this function.
        SourceError: the place cannot be read.
        ImageTooLargeError: the file is larger than ``overread.images.MAX_FILE_BYTES``.
    """
    if isinstance(image, S3Object):
        return _from_s3(image)
    if isinstance(image, Link):
        return fetch(image.url, allowed_hosts())
    return image


def allowed_hosts() -> frozenset[str]:
    """Return the hosts ("example.org" or "example.org:8443") that ``OVERREAD_URL_HOSTS`` lists; none by default."""
    listed = os.environ.get(HOSTS_VARIABLE, "").split(",")
    return frozenset(host.strip().lower() for host in listed if host.strip())


def _from_s3(place: S3Object) -> bytes:
    from botocore.exceptions import BotoCoreError, ClientError  # here, not above: a third of a second few callers need

    try:
        found = _s3_client().get_object(Bucket=place.bucket, Key=place.key)
        if found["ContentLength"] > MAX_FILE_BYTES:
            raise ImageTooLargeError(f"The file is larger than {MAX_FILE_BYTES // 2**20} MB: send a smaller one.")
        return found["Body"].read()
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in DENIED:
            raise NotAllowedError("There is no such S3 object, or the function may not read it.") from error
        if code in ("NoSuchKey", "NoSuchBucket"):
            raise SourceError("There is no such S3 object: check the bucket and the key.") from error
        raise SourceError(f"The S3 object cannot be read ({code}).") from error
    except (BotoCoreError, OSError) as error:  # a malformed bucket name, a connection that breaks
        raise SourceError(f"The S3 object cannot be read ({type(error).__name__}).") from error


@functools.cache
def _s3_client() -> BotoClient:
    import boto3
    from botocore.config import Config

    retries = {"mode": "standard", "max_attempts": 2}
    return boto3.client("s3", config=Config(connect_timeout=3, read_timeout=10, retries=retries))
