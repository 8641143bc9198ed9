"""Runs the function under AWS's Runtime Interface Emulator on loopback, without Docker.

python -m overread_lambda.emulator [--port 9000] [--package FOLDER]     then, in another terminal:
python -m overread_lambda.invoke IMAGE --model histopathology --endpoint-url http://127.0.0.1:9000

The emulator comes with aws-sam-cli, the runtime client with awslambdaric (lambda/requirements-dev.txt).
"""

import argparse
import contextlib
import importlib.util
import os
import platform
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO

from overread_lambda.serial_proxy import SerialProxy

FUNCTION_NAME = "function"  # the only name that the emulator accepts
REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 20.0


def emulator_binary() -> Path:
    """Return the path of the emulator for this machine's processor.

    Raises:
        FileNotFoundError: if aws-sam-cli or awslambdaric is not installed in this environment.
    """
    package = importlib.util.find_spec("samcli")
    if package is None or package.origin is None or importlib.util.find_spec("awslambdaric") is None:
        raise FileNotFoundError("aws-sam-cli or awslambdaric is missing: pip install -r lambda/requirements-dev.txt")
    machine = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    return Path(package.origin).parent / "local" / "rapid" / f"aws-lambda-rie-{machine}"


def free_port() -> int:
    """Return a free TCP port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class LocalFunction:
    """The function under the emulator, as a context manager: it runs until the end of the block."""

    def __init__(
        self,
        port: int | None = None,
        package: Path | None = None,
        environment: Mapping[str, str] | None = None,
        log: IO[bytes] | None = None,
        memory_mb: int = 2048,
        python: str = sys.executable,
        handler: str = "overread_lambda.handler.handler",
    ) -> None:
        """Set up the command; entering the context starts it.

        Args:
            port: the port on 127.0.0.1; default: any free port.
            package: an unzipped package to run; default: this working tree.
            environment: more environment variables.
            log: receives its output; default: the output of this process.
            memory_mb: the memory that the emulator reports to the function; it decides the number of threads.
            python: the interpreter that runs the handler; it must have awslambdaric.
            handler: module and function.
        """
        self.port = port or free_port()
        self.endpoint_url = f"http://127.0.0.1:{self.port}"
        roots = [package] if package else [REPOSITORY / "lambda", REPOSITORY]
        self._emulator_port = free_port()
        self._log = log
        self._folder = roots[0]
        self._command = [
            str(emulator_binary()),
            *("--log-level", "error"),
            *("--runtime-interface-emulator-address", f"127.0.0.1:{self._emulator_port}"),
            *("--runtime-api-address", f"127.0.0.1:{free_port()}"),
            *(python, "-m", "awslambdaric", handler),
        ]
        self._environment = {
            **os.environ,
            "AWS_LAMBDA_FUNCTION_NAME": FUNCTION_NAME,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": "60",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb),
            "LAMBDA_TASK_ROOT": str(self._folder),
            "PYTHONPATH": os.pathsep.join(map(str, roots)),
            **(environment or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None
        self._proxy: SerialProxy | None = None

    def __enter__(self) -> "LocalFunction":
        """Start the emulator and wait until it listens; the handler starts with the first call."""
        self.process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,  # so that Ctrl+C reaches this process only, which then ends the emulator
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._emulator_port), 1):
                break
            time.sleep(0.01)
        else:
            self.stop()
            raise RuntimeError("The emulator does not start.")
        try:
            self._proxy = SerialProxy(self.port, self._emulator_port)
        except OSError as error:
            self.stop()
            raise RuntimeError(f"Port {self.port} cannot be used: {error.strerror}.") from error
        threading.Thread(target=self._proxy.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the emulator and the handler."""
        self.stop()

    def stop(self) -> None:
        """End the emulator and the processes that it started."""
        if self._proxy:
            self._proxy.shutdown()
            self._proxy.server_close()
            self._proxy = None
        if self.process:
            handlers = self.handler_processes()
            self.process.kill()
            self.process.wait()
            for handler in handlers:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(handler, signal.SIGKILL)

    def handler_processes(self) -> list[int]:
        """Return the ids of the processes that the emulator has started: none before the first call."""
        if self.process is None or self.process.poll() is not None:
            return []
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        return [int(child) for thread in threads for child in (thread / "children").read_text().split()]


def main() -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--package", type=Path, help="an unzipped package; default: this working tree")
    parser.add_argument("--memory", type=int, default=2048, metavar="MB", help="one thread per 1769 MB")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a script ignore it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # leaves the block below, which ends the emulator
    try:
        package = options.package and options.package.resolve()
        with LocalFunction(options.port, package, memory_mb=options.memory) as local:
            print(f"The function answers at {local.endpoint_url}; stop with Ctrl+C.", flush=True)
            assert local.process
            return local.process.wait()
    except (FileNotFoundError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
