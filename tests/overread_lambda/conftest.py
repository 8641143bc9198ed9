"""Images, S3 on loopback (moto) and the function under AWS's emulator, for the tests of lambda/."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.overread_lambda.aws_events import JsonValue

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "examples"
LAMBDA = REPOSITORY / "lambda"
PACKAGE = LAMBDA / "overread_lambda"
os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = "1769"
BUCKET, RESULT_BUCKET = "images", "answers"
AWS_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
}

Invoke = Callable[[JsonValue], JsonValue]
Stored = Callable[[str], JsonValue]


@pytest.fixture(scope="session")
def patch() -> bytes:
    """A PCam patch."""
    return (EXAMPLES / "histopathology" / "patch0000434.jpg").read_bytes()


@pytest.fixture(scope="session")
def radiograph() -> bytes:
    """A chest film."""
    return (EXAMPLES / "chest-xray" / "person1_virus_9.jpeg").read_bytes()


@pytest.fixture(scope="session")
def by_domain(patch: bytes, radiograph: bytes) -> dict[str, bytes]:
    """An image that the guard of each domain accepts."""
    return {"histopathology": patch, "chest-xray": radiograph}


@pytest.fixture(scope="session")
def s3(by_domain: dict[str, bytes]) -> Iterator[str]:
    """The address of an S3 service on loopback; the first bucket holds images and an object that is too large."""
    server_module = pytest.importorskip("moto.server", reason="moto is not installed")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client = s3_client(address)
    for bucket in (BUCKET, RESULT_BUCKET):
        client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=BUCKET, Key="folder/patch.png", Body=by_domain["histopathology"])
    client.put_object(Bucket=BUCKET, Key="chest-xray", Body=by_domain["chest-xray"])
    client.put_object(Bucket=BUCKET, Key="histopathology", Body=by_domain["histopathology"])
    client.put_object(Bucket=BUCKET, Key="large.png", Body=b"\0" * (32 * 2**20 + 1))
    yield address
    server.stop()


def s3_client(address: str) -> Any:
    """Return a boto3 client of the S3 service at an address on loopback."""
    boto3 = pytest.importorskip("boto3")
    return boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


@pytest.fixture
def stored(s3: str) -> Iterator[Stored]:
    """Returns the JSON of an object in the result bucket, which is emptied after each test."""
    client = s3_client(s3)

    def read(key: str) -> JsonValue:
        return json.loads(client.get_object(Bucket=RESULT_BUCKET, Key=key)["Body"].read())

    yield read
    for found in client.list_objects_v2(Bucket=RESULT_BUCKET).get("Contents", []):
        client.delete_object(Bucket=RESULT_BUCKET, Key=found["Key"])


@pytest.fixture(scope="session")
def endpoint(s3: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the function under the emulator."""
    from overread_lambda.emulator import LocalFunction

    pytest.importorskip("awslambdaric", reason="the emulator needs: pip install -r lambda/requirements-dev.txt")
    environment = {
        **AWS_SETTINGS,
        "AWS_ENDPOINT_URL_S3": s3,
        "OVERREAD_URL_HOSTS": "localhost",
        "OVERREAD_MODEL": "histopathology",
        "OVERREAD_RESULT_BUCKET": RESULT_BUCKET,
    }
    log = tmp_path_factory.mktemp("emulator") / "log.txt"
    with log.open("wb") as output, LocalFunction(environment=environment, log=output, memory_mb=1769) as function:
        yield function.endpoint_url


@pytest.fixture(scope="session")
def call(endpoint: str) -> Invoke:
    """Calls the function under the emulator with an event and returns its answer."""
    from overread_lambda.invoke import lambda_client

    client = lambda_client(endpoint, None, workers=10)

    def invoke(event: JsonValue) -> JsonValue:
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        response = client.invoke(FunctionName="function", Payload=payload)
        assert "FunctionError" not in response
        return json.loads(response["Payload"].read())

    return invoke
