"""Stores the answers to S3 and SQS records as JSON objects in S3.

    OVERREAD_RESULT_BUCKET   the bucket; without it, answers go to the log only
    OVERREAD_RESULT_PREFIX   put before each key, such as "answers/"; default: nothing

The answer to ``scans/1.png`` is ``<prefix>scans/1.png.json``.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from overread_lambda.s3_objects import S3Object, write_object

BUCKET_VARIABLE = "OVERREAD_RESULT_BUCKET"
PREFIX_VARIABLE = "OVERREAD_RESULT_PREFIX"
SUFFIX = ".json"


@dataclass(frozen=True)
class ResultStore:
    """A place in S3 for answers."""

    bucket: str
    prefix: str = ""

    @classmethod
    def from_environment(cls) -> "ResultStore | None":
        """Return the store that the environment variables name, or None."""
        bucket = os.environ.get(BUCKET_VARIABLE, "")
        return cls(bucket, os.environ.get(PREFIX_VARIABLE, "")) if bucket else None

    def place(self, name: str) -> S3Object:
        """Return where the answer to the image of that name is stored."""
        return S3Object(self.bucket, f"{self.prefix}{name}{SUFFIX}")

    def may_contain(self, place: S3Object) -> bool:
        """Return whether an object can be an answer of this function.

        Such objects must not be read as images: where answers go to the bucket that calls the function, each answer
        would cause the next call.
        """
        return place.bucket == self.bucket and place.key.startswith(self.prefix) and place.key.endswith(SUFFIX)

    def write(self, name: str, answer: Mapping[str, Any]) -> None:
        """Store an answer.

        Raises:
            ResultError: it cannot be written.
        """
        write_object(self.place(name), json.dumps(answer).encode(), "application/json")
