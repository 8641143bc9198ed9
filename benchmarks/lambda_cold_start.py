"""Measures the Lambda function under AWS's emulator: cold start, warm calls, memory, size, and what they would cost.

python benchmarks/lambda_cold_start.py [--peer SITE-PACKAGES]     from the environment of lambda/requirements-dev.txt

Builds the package as `make lambda-zip` does, runs it with 1769 MB (one vCPU, so one thread), and writes
benchmarks/lambda_cold_start.md. With --peer, the folder of an environment with torch, timm and grad-cam, the same nets,
but no ensembles, are measured with torch inside the package (lambda_torch_peer.py), from each folder's
model.safetensors; where git has none, `python -m training.restore` writes it. The emulator has no micro-VM to start and
no image to fetch: what Lambda itself adds to a cold start is not in these figures.
"""

import argparse
import importlib.metadata
import io
import json
import os
import platform
import re
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import IO, Any

import numpy as np
from packaging.requirements import Requirement
from PIL import Image
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lambda"))

from overread_lambda.emulator import FUNCTION_NAME, LocalFunction
from overread_lambda.invoke import lambda_client
from overread_lambda.package import build_folder, unzipped_bytes

from benchmarks.lambda_table import MEMORY_MB, PRICE_GB_SECOND, PRICE_REQUEST, Measured, Warm, table
from overread.catalogue import CatalogueEntry, catalogue

REPOSITORY = Path(__file__).resolve().parents[1]
WARM_UP_CALLS = 5
HANDLER_MS, BILLED_MS = r'"milliseconds": ([\d.]+)}', r"Billed Duration: (\d+)"  # in the log, one of each per call
RESULT = Path(__file__).with_suffix(".md")
PICTURES = {
    "histopathology": REPOSITORY / "examples" / "histopathology" / "nest.png",
    "chest-xray": REPOSITORY / "examples" / "chest-xray" / "left-mid.png",
}


class Running:
    """The function under the emulator, with its log."""

    def __init__(self, options: dict[str, Any], log: Path) -> None:
        """Start it; the handler's process starts with the first call."""
        self.log = log
        self._output: IO[bytes] = log.open("wb")
        self.function = LocalFunction(log=self._output, memory_mb=MEMORY_MB, **options).__enter__()
        self.client = lambda_client(self.function.endpoint_url, None, workers=1)

    def __enter__(self) -> "Running":
        """Return itself, for a with block."""
        return self

    def call(self, image: bytes, model: str) -> float:
        """Return the seconds until the answer is there."""
        payload = json.dumps({"image": b64encode(image).decode(), "model": model}).encode()
        started = perf_counter()
        answer = json.loads(self.client.invoke(FunctionName=FUNCTION_NAME, Payload=payload)["Payload"].read())
        seconds = perf_counter() - started
        if "probability" not in answer:
            raise RuntimeError(f"no answer: {answer}")
        return seconds

    def logged(self, pattern: str) -> list[float]:
        """Return the number that ``pattern`` finds in each of the log's lines that has one."""
        return [float(found) for found in re.findall(pattern, self.log.read_text(errors="replace"))]

    def peak_memory(self) -> int:
        """Return the most memory that the handler's process had, in bytes (VmHWM)."""
        return max(_peak(process) for process in self.function.handler_processes())

    def __exit__(self, *error: object) -> None:
        """End it."""
        self.function.stop()
        self._output.close()


def _peak(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024


def measure(
    options: dict[str, Any], package: list[Path], entries: list[CatalogueEntry], rounds: int, calls: int, largest: bool
) -> Measured:
    """Start and call one package over and over.

    Args:
        options: for ``LocalFunction``.
        package: the files whose size counts, and which are dropped from the page cache for a start from disk.
        entries: the models to call; the first of them answers the cold starts.
        rounds: cold starts of each kind.
        calls: warm calls per model.
        largest: also send the largest picture that is accepted.
    """
    cold: dict[bool, list[float]] = {False: [], True: []}
    warm: dict[str, Warm] = {}
    with tempfile.TemporaryDirectory() as scratch, tqdm(total=2 * rounds + len(entries) * calls, unit="call") as bar:
        log = Path(scratch) / "log.txt"
        for start in range(2 * rounds):
            from_disk = start % 2 == 1
            if from_disk:
                drop_from_page_cache(package)
            with Running(options, log) as running:
                cold[from_disk].append(running.call(PICTURES[entries[0].domain].read_bytes(), entries[0].name))
            bar.update()
        with Running(options, log) as running:
            for entry in entries:
                image = PICTURES[entry.domain].read_bytes()
                for _ in range(WARM_UP_CALLS):
                    running.call(image, entry.name)
                before = len(running.logged(HANDLER_MS))
                for _ in range(calls):
                    running.call(image, entry.name)
                    bar.update()
                warm[entry.name] = Warm(running.logged(HANDLER_MS)[before:], running.logged(BILLED_MS)[before:])
            peak = running.peak_memory()
            peak_largest = None
            if largest:
                running.call(largest_picture(), entries[0].name)
                peak_largest = running.peak_memory()
    size = sum(file.stat().st_size for file in package)
    return Measured(cold[False], cold[True], warm, peak, peak_largest, size)


def drop_from_page_cache(files: list[Path]) -> None:
    """Ask the kernel to forget what it has read of the files, so that the next start reads them from disk."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)  # only what is written can be forgotten
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def largest_picture() -> bytes:
    """Return a PNG with 16-bit grey of 64 megapixels, which takes the most memory to decode of what is accepted."""
    file = io.BytesIO()
    Image.fromarray(np.zeros((8000, 8000), np.uint16)).save(file, "PNG")
    return file.getvalue()


def files_of(distributions: list[str], site_packages: Path) -> list[Path]:
    """Return the files of installed distributions and of all that they require."""
    installed = {_key(found.name): found for found in importlib.metadata.distributions(path=[str(site_packages)])}
    wanted, seen, files = [_key(name) for name in distributions], set(), []
    while wanted:
        name = wanted.pop()
        if name in seen or name not in installed:
            continue
        seen.add(name)
        files += [Path(str(file.locate())) for file in installed[name].files or []]
        wanted += list(_required(installed[name]))
    return sorted({file for file in files if file.is_file()})


def _required(distribution: importlib.metadata.Distribution) -> Iterator[str]:
    for line in distribution.requires or []:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield _key(requirement.name)


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _processor() -> str:
    found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    return found[1] if found else platform.machine()


def main() -> None:
    """Measure, print the table and write it beside this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, metavar="SITE-PACKAGES", help="of an environment with torch and grad-cam")
    parser.add_argument("--rounds", type=int, default=5, help="cold starts of each kind (default 5)")
    parser.add_argument("--calls", type=int, default=100, help="warm calls per model (default 100)")
    options = parser.parse_args()
    nets = [entry for entry in catalogue().values() if not entry.members]
    ensembles = [entry for entry in catalogue().values() if entry.members]
    with tempfile.TemporaryDirectory() as scratch:
        package = Path(scratch) / "package"
        build_folder(package)
        files = [file for file in package.rglob("*") if file.is_file()]
        assert sum(file.stat().st_size for file in files) == unzipped_bytes(package)
        ours = measure({"package": package}, files, nets + ensembles, options.rounds, options.calls, True)
    peer = None
    if options.peer:
        folders = [REPOSITORY / "benchmarks", REPOSITORY]
        environment = {
            "PYTHONPATH": os.pathsep.join(map(str, folders)),
            "PEER_SITE_PACKAGES": str(options.peer.resolve()),
        }
        peer_options = {"package": folders[0], "environment": environment, "handler": "lambda_torch_peer.handler"}
        needed = files_of(["torch", "timm", "grad-cam", "pydicom"], options.peer)
        needed += sorted((REPOSITORY / "models").rglob("*.safetensors"))
        peer = measure(peer_options, needed, nets, options.rounds, options.calls, False)
    load = f"load average at the end {os.getloadavg()[0]:.1f}"
    machine = f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}; {load}"
    command = "python benchmarks/lambda_cold_start.py" + (" --peer SITE-PACKAGES" if options.peer else "")
    text = f"""Written by `{command}` on {machine}.

{table(ours, peer)}

AWS's Runtime Interface Emulator, {MEMORY_MB} MB, one thread; cold: median and range of {options.rounds} starts, all
models loaded, {nets[0].name} called; warm: {options.calls} calls per model, heat map as grid. Lambda itself adds the
start of its micro-VM and the fetching of the package to a cold start. "From disk": the package's files were dropped
from the page cache first. Dollars: mean billed milliseconds of the warm calls, {PRICE_GB_SECOND:.10f} USD per
GB-second, {PRICE_REQUEST:.7f} USD per request (AWS's price for x86, US East).
"""
    print(text)
    RESULT.write_text("# The function on AWS Lambda's emulator\n\n" + text, encoding="utf-8")


if __name__ == "__main__":
    main()
