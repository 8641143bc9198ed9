"""overread_lambda/invoke.py: images from files, folders and S3 to the function, answers as a table or JSON."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.overread_lambda.conftest import BUCKET
from tests.support.landscape import landscape_png

pytest.importorskip("boto3", reason="needs: pip install -r lambda/requirements-dev.txt")
from overread_lambda import invoke


@pytest.fixture
def folder(tmp_path: Path, patch: bytes) -> Path:
    """Three images in two folders, a broken one, and a text file."""
    folder = tmp_path / "images"
    (folder / "inner").mkdir(parents=True)
    for name in ("b.png", "a.png", "inner/c.png"):
        (folder / name).write_bytes(patch)
    (folder / "d.jpg").write_bytes(b"broken")
    (folder / "readme.txt").write_text("text")
    return folder


def test_prints_a_table_for_a_folder_and_a_line_for_what_fails(
    endpoint: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = invoke.main([str(folder), "--model", "histopathology", "--function", "function", "--endpoint-url", endpoint])
    printed = capsys.readouterr()
    assert code == invoke.EXIT_FAILURES
    title, *rows = printed.out.splitlines()
    assert "probability" in title
    assert [row.split()[-1] for row in rows] == [str(folder / name) for name in ("a.png", "b.png", "inner/c.png")]
    assert "d.jpg: This is not a picture" in printed.err
    assert "status 415" in printed.err


def test_a_refused_image_is_a_line_and_is_answered_on_request(
    endpoint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(landscape_png())
    options = [str(photo), "--model", "chest-xray", "--function", "function", "--endpoint-url", endpoint]
    assert invoke.main(options) == invoke.EXIT_FAILURES
    refused = capsys.readouterr().err
    assert refused.startswith(f"{photo}: This looks like a colour photograph") and "status 422" in refused
    assert invoke.main([*options, "--answer-anyway"]) == 0
    assert "note: This looks like a colour photograph" in capsys.readouterr().out


def test_prints_json_and_saves_overlays(endpoint: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = folder / "overlays"
    options = ["--model", "histopathology", "--function", "function", "--endpoint-url", endpoint]
    assert invoke.main([str(folder / "a.png"), *options, "--json", "--overlay", str(target)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["image"] == str(folder / "a.png")
    assert answer["finding"] == "lymph-node metastasis"
    assert "overlay_png_base64" not in answer
    (overlay,) = target.iterdir()
    assert Image.open(overlay).size == (448, 448)


def test_names_an_image_in_s3(endpoint: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--model", "histopathology", "--function", "function", "--endpoint-url", endpoint, "--json"]
    assert invoke.main([f"s3://{BUCKET}/folder/patch.png", *options, "--heatmap", "none"]) == 0
    assert "values" not in json.loads(capsys.readouterr().out)["heatmap"]


def test_a_payload_over_6_megabytes_is_refused_before_it_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    large = tmp_path / "large.png"
    noise = np.random.default_rng(0).integers(0, 256, (1320, 1320, 3), np.uint8)
    Image.fromarray(noise).save(large)
    assert large.stat().st_size * 4 / 3 > 6.9e6
    nowhere = "http://127.0.0.1:9"  # a call would fail for another reason
    assert invoke.main([str(large), "--model", "chest-xray", "--endpoint-url", nowhere]) == invoke.EXIT_FAILURES
    message = capsys.readouterr().err
    assert "s3://" in message
    assert "7.0 MB" in message


def test_the_largest_payload_that_passes_is_the_limit_itself(tmp_path: Path) -> None:
    settings = {"model": "chest-xray"}
    room = invoke.MAX_PAYLOAD_BYTES - len(json.dumps({"image": "", **settings}))
    file = tmp_path / "x.png"
    file.write_bytes(b"\0" * (room // 4 * 3))
    assert invoke.MAX_PAYLOAD_BYTES - 4 < len(invoke.payload_for(str(file), settings)) <= invoke.MAX_PAYLOAD_BYTES
    file.write_bytes(b"\0" * (room // 4 * 3 + 1))
    with pytest.raises(invoke.InvokeError, match="Lambda takes 6"):
        invoke.payload_for(str(file), settings)


def test_a_file_that_is_not_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke.main(["none.png", "--model", "x", "--endpoint-url", "http://127.0.0.1:9"]) == invoke.EXIT_FAILURES
    assert "none.png: the file cannot be read" in capsys.readouterr().err


class Throttling(BaseHTTPRequestHandler):
    """Lambda's API as it answers over the concurrency limit: the first call is throttled, the second answered."""

    calls = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).calls += 1
        body = b'{"finding": "x"}'
        if self.calls == 1:
            body = b'{"Type": "User", "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "message": "Rate"}'
            self.send_response(429)
            self.send_header("x-amzn-ErrorType", "TooManyRequestsException")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def throttling() -> Iterator[str]:
    """The address of a throttling Lambda."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Throttling)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_throttled_call_is_made_again(throttling: str, tmp_path: Path, patch: bytes) -> None:
    (tmp_path / "x.png").write_bytes(patch)
    client = invoke.lambda_client(throttling, None, workers=1)
    assert invoke.invoke(client, "overread", str(tmp_path / "x.png"), {}).body == {"finding": "x"}
    assert Throttling.calls == 2
