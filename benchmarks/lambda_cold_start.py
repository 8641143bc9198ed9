"""Measures the Lambda function under AWS's emulator: cold start, warm calls, memory, size and cost.

python -m benchmarks.lambda_cold_start [--peer SITE-PACKAGES]     in the environment of lambda/requirements-dev.txt

Builds the package as `make lambda-zip` does, runs it with 1769 MB (one vCPU, so one thread), and writes
benchmarks/lambda_cold_start.md. --peer names the site-packages folder of an environment with torch, timm and grad-cam:
then the same nets, but no ensembles, are also measured with torch inside the package (lambda_torch_peer.py), from each
folder's model.safetensors; where git has none, `python -m training restore-weights` writes it. The emulator starts no
micro-VM and fetches no image, so a cold start on Lambda itself takes longer than these figures.
"""

import argparse
import importlib.metadata
import io
import json
import os
import platform
import re
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import IO, Any

import numpy as np
from overread_lambda.emulator import FUNCTION_NAME, LocalFunction
from overread_lambda.invoke import lambda_client
from overread_lambda.package import build_folder, unzipped_bytes
from packaging.requirements import Requirement
from PIL import Image
from tqdm import tqdm

from benchmarks.lambda_table import MEMORY_MB, PRICE_GB_SECOND, PRICE_REQUEST, Measured, Warm, table
from overread.catalogue import CatalogueEntry, Domain, catalogue

REPOSITORY = Path(__file__).resolve().parents[1]
EXAMPLES = REPOSITORY / "examples"
WARM_UP_CALLS = 5
HANDLER_MS, BILLED_MS = r'"milliseconds": ([\d.]+)}', r"Billed Duration: (\d+)"  # the log has one of each per call
RESULT = Path(__file__).with_suffix(".md")


class Running:
    """The function under the emulator, with its log."""

    def __init__(self, options: dict[str, Any], log: Path) -> None:
        """Start the emulator; the handler's process starts with the first call."""
        self.log = log
        self._output: IO[bytes] = log.open("wb")
        self.function = LocalFunction(log=self._output, memory_mb=MEMORY_MB, **options).__enter__()
        self.client = lambda_client(self.function.endpoint_url, None, workers=1)

    def __enter__(self) -> "Running":
        """Return itself."""
        return self

    def call(self, image: bytes, model: str, **settings: bool) -> float:
        """Return the seconds until the answer arrives; the settings are more fields of the event."""
        payload = json.dumps({"image": b64encode(image).decode(), "model": model, **settings}).encode()
        started = perf_counter()
        answer = json.loads(self.client.invoke(FunctionName=FUNCTION_NAME, Payload=payload)["Payload"].read())
        seconds = perf_counter() - started
        if "probability" not in answer:
            raise RuntimeError(f"no answer: {answer}")
        return seconds

    def logged(self, pattern: str) -> list[float]:
        """Return every number in the log that ``pattern`` matches."""
        return [float(found) for found in re.findall(pattern, self.log.read_text(errors="replace"))]

    def peak_memory(self) -> int:
        """Return the peak memory of the handler's process (VmHWM) in bytes."""
        return max(_peak(process) for process in self.function.handler_processes())

    def __exit__(self, *error: object) -> None:
        """Stop the emulator."""
        self.function.stop()
        self._output.close()


def _peak(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) * 1024


def measure(
    options: dict[str, Any], package: list[Path], entries: list[CatalogueEntry], rounds: int, calls: int, largest: bool
) -> Measured:
    """Return the measurements of one package.

    Args:
        options: for ``LocalFunction``.
        package: its files: they make up its size, and are dropped from the page cache for a start from disk.
        entries: the models to call; cold starts call the first.
        rounds: cold starts of each kind.
        calls: warm calls per model.
        largest: also send the largest image that is accepted.
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
                cold[from_disk].append(running.call(example(entries[0].domain), entries[0].name))
            bar.update()
        with Running(options, log) as running:
            for entry in entries:
                image = example(entry.domain)
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
                running.call(largest_image(), entries[0].name, answer_anyway=True)  # it is black
                peak_largest = running.peak_memory()
    size = sum(file.stat().st_size for file in package)
    return Measured(cold[False], cold[True], warm, peak, peak_largest, size)


def example(domain: Domain) -> bytes:
    """Return the first example image of a domain."""
    found = json.loads((EXAMPLES / "manifest.json").read_text(encoding="utf-8"))
    return (EXAMPLES / next(image["file"] for image in found if image["domain"] == domain)).read_bytes()


def drop_from_page_cache(files: list[Path]) -> None:
    """Drop the files from the kernel's page cache, so that the next start reads them from disk."""
    for file in files:
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)  # the kernel keeps pages that are not written yet
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def largest_image() -> bytes:
    """Return a PNG of 64 megapixels in 16-bit grey: of the accepted images, it takes the most memory to decode."""
    file = io.BytesIO()
    Image.fromarray(np.zeros((8000, 8000), np.uint16)).save(file, "PNG")
    return file.getvalue()


def files_of(distributions: list[str], site_packages: Path) -> list[Path]:
    """Return the files of installed distributions and of their requirements, recursively."""
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
    """Measure, print the table and write it to lambda_cold_start.md."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--peer", type=Path, metavar="SITE-PACKAGES", help="of an environment with torch, timm and grad-cam"
    )
    parser.add_argument("--rounds", type=int, default=5, help="cold starts of each kind (default 5)")
    parser.add_argument("--calls", type=int, default=100, help="warm calls per model (default 100)")
    options = parser.parse_args()
    nets = [entry for entry in catalogue().values() if not entry.members]
    ensembles = [entry for entry in catalogue().values() if entry.members]
    missing = [net.name for net in nets if not (net.bundled_folder / "model.safetensors").exists()]
    if options.peer and missing:
        parser.error(f"--peer needs torch weights: run `python -m training restore-weights` for {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as scratch:
        package = Path(scratch) / "package"
        build_folder(package)
        files = [file for file in package.rglob("*") if file.is_file()]
        assert sum(file.stat().st_size for file in files) == unzipped_bytes(package)
        ours = measure({"package": package}, files, nets + ensembles, options.rounds, options.calls, True)
    peer = None
    if options.peer:
        environment = {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(options.peer.resolve())])}
        handler = "benchmarks.lambda_torch_peer.handler"
        peer_options = {"package": REPOSITORY, "environment": environment, "handler": handler}
        needed = files_of(["torch", "timm", "grad-cam", "pydicom"], options.peer)
        needed += sorted((REPOSITORY / "models").rglob("*.safetensors"))
        peer = measure(peer_options, needed, nets, options.rounds, options.calls, False)
    load = f"load average at the end {os.getloadavg()[0]:.1f}"
    machine = f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}; {load}"
    command = "python -m benchmarks.lambda_cold_start" + (" --peer SITE-PACKAGES" if options.peer else "")
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
