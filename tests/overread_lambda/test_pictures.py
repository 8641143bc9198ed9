"""overread_lambda/pictures.py: pictures in S3, under the function's own role."""

from collections.abc import Iterator

import pytest
from overread_lambda import pictures
from overread_lambda.events import S3Object

from overread.errors import ImageTooLargeError, NotAllowedError, SourceError
from tests.overread_lambda.conftest import AWS_SETTINGS, BUCKET


@pytest.fixture(autouse=True)
def _role(monkeypatch: pytest.MonkeyPatch, s3: str) -> Iterator[None]:
    for name, value in {**AWS_SETTINGS, "AWS_ENDPOINT_URL_S3": s3}.items():
        monkeypatch.setenv(name, value)
    pictures._s3_client.cache_clear()
    yield
    pictures._s3_client.cache_clear()


def test_reads_an_object(patch: bytes) -> None:
    assert pictures.read(S3Object(BUCKET, "folder/patch.png")) == patch


def test_refuses_an_object_over_the_size_limit_without_reading_it() -> None:
    with pytest.raises(ImageTooLargeError, match="32 MB"):
        pictures.read(S3Object(BUCKET, "large.png"))


@pytest.mark.parametrize("place", [S3Object(BUCKET, "none.png"), S3Object("no-such-bucket", "x.png")])
def test_an_object_that_is_not_there_is_an_error(place: S3Object) -> None:
    with pytest.raises(SourceError, match="no such S3 object"):
        pictures.read(place)


@pytest.mark.parametrize("bucket", ["No Bucket!", "..", "a/b", "arn:aws:s3:::x"])
def test_a_bucket_name_that_cannot_be_is_an_error(bucket: str) -> None:
    with pytest.raises(SourceError):
        pictures.read(S3Object(bucket, "x.png"))


def test_an_object_the_role_may_not_read_is_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.stub import Stubber

    client = pictures._s3_client()
    with Stubber(client) as stubbed:
        stubbed.add_client_error("get_object", "AccessDenied", http_status_code=403)
        with pytest.raises(NotAllowedError):
            pictures.read(S3Object(BUCKET, "folder/patch.png"))


def test_a_service_out_of_reach_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from overread_lambda.emulator import free_port

    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(SourceError, match="cannot be read"):
        pictures.read(S3Object(BUCKET, "folder/patch.png"))


def test_the_owner_lists_hosts_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pictures.allowed_hosts() == frozenset()
    monkeypatch.setenv("OVERREAD_URL_HOSTS", " Example.org, other.example:8443,")
    assert pictures.allowed_hosts() == {"example.org", "other.example:8443"}
