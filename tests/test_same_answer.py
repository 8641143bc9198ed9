"""The app, the AWS Lambda handler and Python give the same answer for the same image."""

import asyncio
import base64
import importlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import app
import overread
from overread.catalogue import Domain
from overread.service import Service

Answer = dict[str, Any]
Endpoint = Callable[..., Coroutine[Any, Any, tuple[Answer, Image.Image]]]
EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def endpoints() -> dict[str, Endpoint]:
    """The app's API functions by name."""
    demo = app.build(Service(threads=1, lazy=True))
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
    endpoints: dict[str, Endpoint],
    handler: Callable[[Answer, None], Answer],
) -> None:
    path = sorted((EXAMPLES / domain).glob("*.jp*g"))[0]
    python = overread.load(overread.names(domain)[0], threads=1).predict(path, "screening").to_json()
    from_app, _ = asyncio.run(endpoints[api_name]({"path": str(path)}, "screening", "", True))
    image = base64.b64encode(path.read_bytes()).decode()
    from_lambda = handler({"image": image, "model": domain, "operating_point": "screening"}, None)

    for answer in (python, from_app, from_lambda):
        assert answer.pop("milliseconds").keys() == {"decode", "guard", "lungs", "preprocess", "inference", "overlay"}
    assert python == from_app == from_lambda
