"""The app, AWS Lambda's handler and Python give one answer to one picture: they share one core."""

import base64
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import app
import overread
from overread.catalogue import Domain
from overread.service import Service

Answer = dict[str, Any]


@pytest.fixture(scope="module")
def endpoints() -> dict[str, Callable[..., tuple[Answer, Image.Image]]]:
    """The app's API functions by name."""
    demo = app.build(Service(threads=1))
    return {str(function.api_name): function.fn for function in demo.fns.values() if function.fn}


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer, None], Answer]:
    """The Lambda function, on one thread."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769")
    return importlib.import_module("overread_lambda.handler").handler


@pytest.mark.parametrize(("domain", "api_name"), [("histopathology", "histopathology"), ("chest-xray", "chest_xray")])
def test_app_lambda_and_python_agree(
    domain: Domain,
    api_name: str,
    endpoints: dict[str, Callable[..., tuple[Answer, Image.Image]]],
    handler: Callable[[Answer, None], Answer],
    tmp_path: Path,
) -> None:
    path = tmp_path / "picture.jpg"
    coarse = np.random.default_rng(0).integers(0, 256, (6, 6, 3), np.uint8)
    Image.fromarray(coarse).resize((300, 240), Image.Resampling.BICUBIC).save(path)

    python = overread.load(overread.names(domain)[0], threads=1).predict(path, "screening").to_json()
    from_app, _ = endpoints[api_name]({"path": str(path)}, "screening", "", True)
    image = base64.b64encode(path.read_bytes()).decode()
    from_lambda = handler({"image": image, "model": domain, "operating_point": "screening"}, None)

    for answer in (python, from_app, from_lambda):
        assert answer.pop("milliseconds").keys() == {"decode", "preprocess", "inference", "overlay"}
    assert python == from_app == from_lambda
