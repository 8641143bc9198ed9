"""overread_lambda/s3_objects.py and image_bytes.py: images in S3 and the hosts that links may name."""

from collections.abc import Iterator

import pytest
from overread_lambda import image_bytes, s3_objects
from overread_lambda.request_errors import ResultError, S3UnavailableError
from overread_lambda.s3_objects import S3Object, read_object, write_object

from overread.errors import ImageTooLargeError, NotAllowedError, SourceError
from tests.overread_lambda.conftest import AWS_SETTINGS, BUCKET


@pytest.fixture(autouse=True)
def _role(monkeypatch: pytest.MonkeyPatch, s3: str) -> Iterator[None]:
    for name, value in {**AWS_SETTINGS, "AWS_ENDPOINT_URL_S3": s3}.items():
        monkeypatch.setenv(name, value)
    s3_objects.client.cache_clear()
    yield
    s3_objects.client.cache_clear()


def test_reads_an_object(patch: bytes) -> None:
    assert read_object(S3Object(BUCKET, "folder/patch.png")) == patch


def test_refuses_an_object_over_the_size_limit_without_reading_it() -> None:
    with pytest.raises(ImageTooLargeError, match="32 MB"):
        read_object(S3Object(BUCKET, "large.png"))


@pytest.mark.parametrize("place", [S3Object(BUCKET, "none.png"), S3Object("no-such-bucket", "x.png")])
def test_an_object_that_is_not_there_is_an_error(place: S3Object) -> None:
    with pytest.raises(SourceError, match="no such S3 object"):
        read_object(place)


@pytest.mark.parametrize("bucket", ["No Bucket!", "..", "a/b", "arn:aws:s3:::x"])
def test_a_bucket_name_that_cannot_be_is_an_error(bucket: str) -> None:
    with pytest.raises(SourceError):
        read_object(S3Object(bucket, "x.png"))


def test_an_object_the_role_may_not_read_is_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.stub import Stubber

    client = s3_objects.client()
    with Stubber(client) as stubbed:
        stubbed.add_client_error("get_object", "AccessDenied", http_status_code=403)
        with pytest.raises(NotAllowedError):
            read_object(S3Object(BUCKET, "folder/patch.png"))


@pytest.mark.parametrize(("code", "status"), [("SlowDown", 503), ("InternalError", 500), ("RequestTimeout", 400)])
def test_a_fault_of_s3_can_be_tried_again(code: str, status: int) -> None:
    from botocore.stub import Stubber

    client = s3_objects.client()
    with Stubber(client) as stubbed:
        stubbed.add_client_error("get_object", code, http_status_code=status)
        with pytest.raises(S3UnavailableError, match=code):
            read_object(S3Object(BUCKET, "folder/patch.png"))


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    from overread_lambda.emulator import free_port

    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")


@pytest.mark.usefixtures("unreachable")
def test_a_service_out_of_reach_can_be_tried_again() -> None:
    with pytest.raises(S3UnavailableError, match="cannot be read now"):
        read_object(S3Object(BUCKET, "folder/patch.png"))


def test_writes_an_object_and_replaces_one_of_the_same_key() -> None:
    place = S3Object(BUCKET, "written/é &.json")
    for data in (b"1", b"2"):
        write_object(place, data, "application/json")
        found = s3_objects.client().get_object(Bucket=place.bucket, Key=place.key)
        assert (found["Body"].read(), found["ContentType"]) == (data, "application/json")


def test_an_object_that_cannot_be_written_is_an_error() -> None:
    with pytest.raises(ResultError, match=r"s3://no-such-bucket/x\.json \(NoSuchBucket\)"):
        write_object(S3Object("no-such-bucket", "x.json"), b"{}", "application/json")


@pytest.mark.usefixtures("unreachable")
def test_a_service_out_of_reach_stores_nothing() -> None:
    with pytest.raises(ResultError, match="EndpointConnectionError"):
        write_object(S3Object(BUCKET, "x.json"), b"{}", "application/json")


def test_the_owner_lists_hosts_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert image_bytes.allowed_hosts() == frozenset()
    monkeypatch.setenv("OVERREAD_URL_HOSTS", " Example.org, other.example:8443,")
    assert image_bytes.allowed_hosts() == {"example.org", "other.example:8443"}
