"""Seconds from `python app.py` to the first answer, and memory after it: python -m benchmarks.startup."""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import psutil
from gradio_client import Client, handle_file

ROOT = Path(__file__).parents[1]
PICTURES = {
    "/histopathology": ROOT / "examples" / "histopathology" / "large-nuclei.png",
    "/chest_xray": ROOT / "examples" / "chest-xray" / "right-lower.png",
}


def measure(port: int) -> tuple[float, float, float]:
    """Return seconds until the app listens, seconds until it has answered once, and MiB resident after both tabs.

    Raises:
        RuntimeError: if the app ends before it listens.
    """
    environment = os.environ | {"GRADIO_SERVER_PORT": str(port), "PYTHONUNBUFFERED": "1"}
    started = perf_counter()
    app = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert app.stdout
        if not any(f":{port}" in line for line in app.stdout):
            raise RuntimeError(f"the app ended with code {app.wait()} before it listened on port {port}")
        listening = perf_counter() - started
        client = Client(f"http://127.0.0.1:{port}", verbose=False)
        answered = []
        for endpoint, picture in PICTURES.items():
            client.predict(handle_file(picture), api_name=endpoint)
            answered.append(perf_counter() - started)
        return listening, answered[0], psutil.Process(app.pid).memory_info().rss / 2**20
    finally:
        app.terminate()
        app.wait()


def main() -> None:
    """Start the app a few times and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--port", type=int, default=7899)
    options = parser.parse_args()
    listening, answered, memory = (
        median(values) for values in zip(*(measure(options.port) for _ in range(options.runs)), strict=True)
    )
    print(f"median of {options.runs} starts: listening after {listening:.1f} s, first answer after {answered:.1f} s,")
    print(f"{memory:.0f} MiB resident after one answer of each tab")


if __name__ == "__main__":
    main()
