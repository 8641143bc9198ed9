"""32 visitors at once: none lost, none mixed up, throughput, p95 and memory: python -m benchmarks.load.

Each request sends an image of its own (an example with one changed pixel, so that its digest is its own), a tenth sends
a file that cannot be read, and the digest in each answer is compared with the file that was sent.
"""

import argparse
import asyncio
import hashlib
import io
import os
import random
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from time import perf_counter

import httpx
import psutil
from PIL import Image

from overread.catalogue import Domain
from ui.domains import DOMAINS
from ui.examples import examples

ROOT = Path(__file__).parents[1]
RESULT = Path(__file__).with_suffix(".md")
BAD = b"this is no picture" * 9


@dataclass
class Tally:
    """What became of the requests."""

    answered: int = 0
    explained: int = 0  # bad files, answered with one sentence
    mixed: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def files(domain: Domain) -> list[Image.Image]:
    """Return the domain's examples, decoded once."""
    return [Image.open(example.path).convert("RGB") for example in examples(domain)]


def unlike_any_other(image: Image.Image, number: int) -> bytes:
    """Return the image as a JPEG whose bytes, and hence digest, are those of this request only."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90, comment=f"request {number}".encode())
    return buffer.getvalue()


async def visitor(address: str, numbers: list[int], pictures: dict[Domain, list[Image.Image]], tally: Tally) -> None:
    """Send one request after another and count what comes back."""
    async with httpx.AsyncClient(timeout=300) as client:
        for number in numbers:
            domain = list(DOMAINS)[number % 2]
            bad = number % 10 == 0
            chosen = pictures[domain][number % len(pictures[domain])]
            data = BAD if bad else await asyncio.to_thread(unlike_any_other, chosen, number)
            started = perf_counter()
            try:
                answer = await client.post(f"{address}/page/answer", params={"domain": domain}, content=data)
            except httpx.HTTPError as error:
                tally.lost.append(f"{number}: {error!r}")
                continue
            tally.seconds.append(perf_counter() - started)
            if bad and answer.status_code == 422:
                tally.explained += 1
            elif not bad and answer.status_code == 200:
                found = answer.json()["answer"]["image_sha256"]
                tally.answered += 1
                if found != hashlib.sha256(data).hexdigest():
                    tally.mixed.append(str(number))
            else:
                tally.lost.append(f"{number}: {answer.status_code} {answer.text[:100]}")


async def run(address: str, clients: int, requests: int) -> tuple[Tally, float]:
    """Return the tally and the seconds that all requests took."""
    pictures = {domain: files(domain) for domain in DOMAINS}
    numbers = list(range(requests))
    random.Random(0).shuffle(numbers)
    tally, started = Tally(), perf_counter()
    await asyncio.gather(*(visitor(address, numbers[client::clients], pictures, tally) for client in range(clients)))
    return tally, perf_counter() - started


def main() -> None:
    """Start the app, load it, print the figures and write them to benchmarks/load.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--port", type=int, default=7898)
    options = parser.parse_args()
    environment = os.environ | {"GRADIO_SERVER_PORT": str(options.port), "PYTHONUNBUFFERED": "1"}
    app = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert app.stdout
        if not any(f":{options.port}" in line for line in app.stdout):
            raise RuntimeError(f"the app ended with code {app.wait()} before it listened on port {options.port}")
        address, process = f"http://127.0.0.1:{options.port}", psutil.Process(app.pid)
        asyncio.run(run(address, 1, 20))  # each model has answered once
        before = process.memory_info().rss / 2**20
        tally, seconds = asyncio.run(run(address, options.clients, options.requests))
        after = process.memory_info().rss / 2**20
    finally:
        app.terminate()
        app.wait()
    p95 = quantiles(tally.seconds, n=20)[-1]
    text = (
        f"{options.requests} requests from {options.clients} clients in {seconds:.0f} s: {tally.answered} answered, "
        f"{tally.explained} bad files explained, {len(tally.lost)} lost, {len(tally.mixed)} mixed up; "
        f"{options.requests / seconds:.1f} requests per second, p95 {p95:.1f} s; resident memory {before:.0f} MiB "
        f"before and {after:.0f} MiB after, on {os.cpu_count()} CPUs."
    )
    print(text, *tally.lost[:5], sep="\n")
    RESULT.write_text(f"# Under load\n\n{text}\n", encoding="utf-8")
    if tally.lost or tally.mixed:
        sys.exit(1)


if __name__ == "__main__":
    main()
