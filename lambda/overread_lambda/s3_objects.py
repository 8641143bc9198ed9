"""Reads images from S3 and writes answers to it, with the permissions of the function's role."""

import functools
from dataclasses import dataclass
from typing import Any

from overread.errors import ImageTooLargeError, NotAllowedError, SourceError
from overread.images import MAX_FILE_BYTES
from overread_lambda.request_errors import ResultError, S3UnavailableError

BotoClient = Any  # boto3 generates the classes of its clients at run time
# Without s3:ListBucket, S3 answers AccessDenied for a key that does not exist.
DENIED = ("AccessDenied", "403", "AllAccessDisabled")
MISSING = ("NoSuchKey", "NoSuchBucket", "404")
OVERLOADED = ("SlowDown", "RequestTimeout", "RequestLimitExceeded", "Throttling", "ThrottlingException")


@dataclass(frozen=True)
class S3Object:
    """The place of an object in S3."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def read_object(place: S3Object) -> bytes:
    """Return the object's bytes.

    Raises:
        NotAllowedError: the role may not read the object.
        ImageTooLargeError: the object is larger than ``overread.images.MAX_FILE_BYTES``.
        S3UnavailableError: S3 cannot be reached now.
        SourceError: the object cannot be read for another reason, such as a key that does not exist.
    """
    # boto3 and botocore are imported only here: that takes 0.3 s, and most callers send the image itself.
    from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError, IncompleteReadError

    try:
        found = client().get_object(Bucket=place.bucket, Key=place.key)
        if found["ContentLength"] > MAX_FILE_BYTES:
            raise ImageTooLargeError(f"The file is larger than {MAX_FILE_BYTES // 2**20} MB: send a smaller one.")
        return found["Body"].read()
    except ClientError as error:
        code = _code(error)
        if code in DENIED:
            raise NotAllowedError("There is no such S3 object, or the function may not read it.") from error
        if code in MISSING:
            raise SourceError("There is no such S3 object: check the bucket and the key.") from error
        if code in OVERLOADED or error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
            raise S3UnavailableError(f"The S3 object cannot be read now ({code}): try again later.") from error
        raise SourceError(f"The S3 object cannot be read ({code}).") from error
    except (ConnectionError, HTTPClientError, IncompleteReadError, OSError) as error:
        reason = type(error).__name__
        raise S3UnavailableError(f"The S3 object cannot be read now ({reason}): try again later.") from error
    except BotoCoreError as error:  # such as a malformed bucket name
        raise SourceError(f"The S3 object cannot be read ({type(error).__name__}).") from error


def write_object(place: S3Object, data: bytes, content_type: str) -> None:
    """Write an object; one of the same key is replaced.

    Raises:
        ResultError: the object cannot be written.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client().put_object(Bucket=place.bucket, Key=place.key, Body=data, ContentType=content_type)
    except (ClientError, BotoCoreError, OSError) as error:
        reason = _code(error) if isinstance(error, ClientError) else type(error).__name__
        raise ResultError(f"The answer cannot be written to {place} ({reason}).") from error


@functools.cache
def client() -> BotoClient:
    """Return the S3 client of this process."""
    import boto3
    from botocore.config import Config

    retries = {"mode": "standard", "max_attempts": 2}
    return boto3.client("s3", config=Config(connect_timeout=3, read_timeout=10, retries=retries))


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
