"""overread_lambda/emulator.py as `make lambda-local` runs it: the function on a port, and nothing left behind."""

import json
import signal
import socket
import subprocess
import sys

import pytest

from tests.overread_lambda.generated_images import base64_of

pytest.importorskip("awslambdaric", reason="the emulator needs: pip install -r lambda/requirements-dev.txt")
from overread_lambda.emulator import FUNCTION_NAME, free_port
from overread_lambda.invoke import lambda_client


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_answers_on_its_port_and_takes_the_emulator_with_it_when_it_ends(end: signal.Signals, patch: bytes) -> None:
    port = free_port()
    command = [sys.executable, "-m", "overread_lambda.emulator", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as local:
        assert local.stdout
        endpoint = f"http://127.0.0.1:{port}"
        assert endpoint in local.stdout.readline()
        event = json.dumps({"image": base64_of(patch), "model": "histopathology"})
        answer = lambda_client(endpoint, None, workers=1).invoke(FunctionName=FUNCTION_NAME, Payload=event)
        assert json.loads(answer["Payload"].read())["finding"] == "lymph-node metastasis"
        local.send_signal(end)
        # The handler and the emulator hold the other end of the pipe: it closes when they are gone.
        local.stdout.read()
        assert local.wait(timeout=10) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 1)


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "overread_lambda.emulator", "--port", port]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == f"Port {port} cannot be used: Address already in use."
