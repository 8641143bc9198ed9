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
RESULT = Path(__file__).with_suffix(".md")
IMAGES = {
    "/histopathology": ROOT / "examples" / "histopathology" / "patch0000434.jpg",
    "/chest_xray": ROOT / "examples" / "chest-xray" / "person1_virus_9.jpeg",
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
        for endpoint, image in IMAGES.items():
            client.predict(handle_file(image), api_name=endpoint)
            answered.append(perf_counter() - started)
        return listening, answered[0], psutil.Process(app.pid).memory_info().rss / 2**20
    finally:
        app.terminate()
        app.wait()


def main() -> None:
    """Start the app a few times, print the medians and write them to benchmarks/startup.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--port", type=int, default=7899)
    options = parser.parse_args()
    listening, answered, memory = (
        median(values) for values in zip(*(measure(options.port) for _ in range(options.runs)), strict=True)
    )
    text = (
        f"From `python app.py` to the first answer: {answered:.1f} s ({listening:.1f} s until it listens); "
        f"{memory:.0f} MiB resident after an answer of each tab (median of {options.runs} starts)."
    )
    print(text)
    RESULT.write_text(f"# Start\n\n{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
