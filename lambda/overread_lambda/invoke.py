"""Calls the function, deployed or local, for images in files, folders or S3; many at once.

python -m overread_lambda.invoke IMAGE|FOLDER|s3://BUCKET/KEY ... --model MODEL [--function overread] [--region R]
python -m overread_lambda.invoke IMAGE --model MODEL --endpoint-url http://127.0.0.1:9000     (see emulator.py)

Prints a table, or one JSON object a line. Lambda runs one copy of the function per simultaneous call, up to its
concurrency limit: --workers 100 reads a folder of thousands of images with a hundred copies.
"""

import argparse
import base64
import json
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tqdm import tqdm

# "Invocation payload (request and response), synchronous: 6 MB each", AWS Lambda quotas; exactly 6,291,556 bytes.
MAX_PAYLOAD_BYTES = 6_291_556
SUFFIXES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif", ".jp2", ".ppm", ".pgm", ".avif", ".dcm"}
ATTEMPTS = 8  # with exponential backoff and jitter (botocore's standard mode), for throttling and broken connections
EXIT_FAILURES = 2
BotoClient = Any  # boto3 generates the classes of its clients at run time


class InvokeError(Exception):
    """One image got no answer; the message says why and what to do."""


@dataclass(frozen=True)
class Answer:
    """The function's JSON for one image, or why there is none."""

    image: str
    body: dict[str, Any] | None
    failure: str | None = None


def payload_for(image: str, settings: dict[str, Any]) -> bytes:
    """Return the event for one image, a path or ``s3://bucket/key``, as JSON.

    Raises:
        InvokeError: if the file cannot be read, or is too large for one call.
    """
    if image.startswith("s3://"):
        bucket, _, key = image.removeprefix("s3://").partition("/")
        return json.dumps({"s3": {"bucket": bucket, "key": key}, **settings}).encode()
    rest = len(json.dumps({"image": "", **settings}))
    try:
        size = rest + (Path(image).stat().st_size + 2) // 3 * 4
        if size > MAX_PAYLOAD_BYTES:
            raise InvokeError(
                f"the payload would have {size / 1e6:.1f} MB and Lambda takes {MAX_PAYLOAD_BYTES / 1e6:.1f}: put the "
                "image into S3 and name it as s3://BUCKET/KEY, or save a smaller file"
            )
        return json.dumps({"image": base64.b64encode(Path(image).read_bytes()).decode("ascii"), **settings}).encode()
    except OSError as error:
        raise InvokeError(f"the file cannot be read ({error.strerror})") from error


def invoke(client: BotoClient, function: str, image: str, settings: dict[str, Any]) -> Answer:
    """Return the function's answer for one image; a failure is an ``Answer`` without a body."""
    try:
        response = client.invoke(FunctionName=function, Payload=payload_for(image, settings))
        body = json.loads(response["Payload"].read())
    except InvokeError as error:
        return Answer(image, None, str(error))
    except (BotoCoreError, ClientError, ValueError) as error:
        return Answer(image, None, str(error))
    if not isinstance(body, dict) or "errorMessage" in body or response.get("FunctionError"):
        # From the runtime, not from the handler: a time-out, or a process that ended.
        reason = body.get("errorMessage") if isinstance(body, dict) else body
        return Answer(image, None, f"the function failed: {reason}")
    if "error" in body:
        return Answer(image, None, f"{body['error']['message']} (status {body['error']['status']})")
    return Answer(image, body)


def lambda_client(endpoint_url: str | None, region: str | None, workers: int) -> BotoClient:
    """Return a boto3 client; a loopback address needs no AWS account."""
    config = Config(
        retries={"mode": "standard", "max_attempts": ATTEMPTS},
        connect_timeout=5,
        read_timeout=90,  # longer than the function's time limit, so that a running call is not repeated
        max_pool_connections=workers,
    )
    if urlsplit(endpoint_url or "").hostname in ("127.0.0.1", "localhost", "::1"):
        nobody = {"aws_access_key_id": "local", "aws_secret_access_key": "local", "region_name": region or "us-east-1"}
        return boto3.client("lambda", endpoint_url=endpoint_url, config=config, **nobody)
    return boto3.client("lambda", endpoint_url=endpoint_url, region_name=region, config=config)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 if any image got no answer (one line each on stderr)."""
    options = _parser().parse_args(arguments)
    images = list(_images(options.images))
    settings = {"model": options.model, "operating_point": options.operating_point}
    settings |= {"heatmap": "png" if options.overlay else options.heatmap}
    settings |= {"answer_anyway": True} if options.answer_anyway else {}
    try:
        client = lambda_client(options.endpoint_url, options.region, options.workers)
    except BotoCoreError as error:  # no region
        print(error, file=sys.stderr)
        return EXIT_FAILURES
    failures = 0
    if not options.json:
        print(f"{'probability':>11}  {'threshold':>9}  {'decision':<16} {'reading':<24} image")
    with ThreadPoolExecutor(options.workers) as pool:
        answers = pool.map(lambda image: invoke(client, options.function, image, settings), images)
        # Without a terminal the bar would only fill a log; one image needs none.
        for answer in tqdm(answers, total=len(images), unit="image", disable=None if len(images) > 1 else True):
            if answer.body is None:
                failures += 1
                tqdm.write(f"{answer.image}: {answer.failure}", file=sys.stderr)
                continue
            overlay = answer.body.pop("overlay_png_base64", None)
            if overlay and options.overlay:
                _save(overlay, answer.image, options.overlay)
            tqdm.write(_line(answer.image, answer.body, options.json), file=sys.stdout)
    return EXIT_FAILURES if failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="files, folders of them, or s3://BUCKET/KEY")
    parser.add_argument("--model", required=True, help="a model's name, or histopathology or chest-xray")
    parser.add_argument("--function", default="overread", help="name or ARN of the function, with :ALIAS if it has one")
    parser.add_argument("--endpoint-url", help="default: AWS; or the address of the emulator")
    parser.add_argument("--region")
    parser.add_argument("--operating-point", help="which threshold decides (default: the model's choice)")
    parser.add_argument("--answer-anyway", action="store_true", help="answer also for images that the guard refuses")
    parser.add_argument("--heatmap", choices=("none", "grid"), default="grid", help="with its values (grid) or without")
    parser.add_argument("--overlay", type=Path, metavar="FOLDER", help="save each heat map, drawn over its image")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument("--workers", type=int, default=8, help="simultaneous calls (default 8)")
    return parser


def _images(named: Sequence[str]) -> Iterator[str]:
    for name in named:
        if not name.startswith("s3://") and Path(name).is_dir():
            yield from sorted(str(file) for file in Path(name).rglob("*") if file.suffix.lower() in SUFFIXES)
        else:
            yield name


def _save(overlay: str, image: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = "-".join(part for part in Path(image.removeprefix("s3://")).parts[-2:] if part != "/")
    (folder / f"{Path(name).stem}-overlay.png").write_bytes(base64.b64decode(overlay))


def _line(image: str, body: dict[str, Any], as_json: bool) -> str:
    if as_json:
        return json.dumps({"image": image, **body})
    notes = "".join(f"\n  note: {note}" for note in body["notes"])
    threshold = body["operating_point"]["threshold"]
    said = f"{body['decision']:<16} {body['reading']['text']:<24}"
    return f"{body['probability']:>11.3f}  {threshold:>9.3f}  {said} {image}{notes}"


if __name__ == "__main__":
    sys.exit(main())
