"""The real app in a process of its own, for tests that call it as its users do."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """Return a port on 127.0.0.1 that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def running_app(log: Path, folder: Path = ROOT, python: str = sys.executable, **variables: str) -> Iterator[str]:
    """Start ``python app.py``, wait until it says that it listens, yield its address, and end it.

    Args:
        log: gets what the app writes to standard error.
        folder: that holds ``app.py``, with the packages beside it.
        python: the interpreter.
        variables: of the environment, beside this process's own.
    """
    port = free_port()
    environment = os.environ | {
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "OVERREAD_HUB_NAMESPACE": "",
        "PYTHONUNBUFFERED": "1",
        **variables,
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            [python, "app.py"], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=output, text=True
        )
        try:
            assert process.stdout
            for line in process.stdout:  # ends when the process does
                if f"127.0.0.1:{port}" in line:
                    break
            else:
                raise RuntimeError(f"the app did not start: {log.read_text()}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=60)  # open connections are waited for
