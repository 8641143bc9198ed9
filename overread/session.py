"""The ONNX session: pixel values in; calibrated logits, signed heat map and embedding out."""

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from overread.errors import ModelFolderError

Float32 = npt.NDArray[np.float32]
T = TypeVar("T")
THREADS_VARIABLE = "OVERREAD_THREADS"
LAMBDA_MEMORY_VARIABLE = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"  # set by AWS Lambda, in MB
# "At 1,769 MB, a function has the equivalent of one vCPU": AWS Lambda Developer Guide, Configure function memory.
LAMBDA_MB_PER_VCPU = 1769
MAX_DEFAULT_THREADS = 4


@dataclass(frozen=True)
class Outputs:
    """The net's outputs for a batch: ``logits`` (N, 2), ``heatmap`` (N, h, w) in log-odds, ``embedding`` (N, d)."""

    logits: Float32
    heatmap: Float32
    embedding: Float32


class OnnxSession:
    """An onnxruntime session on the CPU for a file that meets the ONNX contract; safe to run from several threads."""

    def __init__(self, path: Path, threads: int | None = None, lazy: bool = False) -> None:
        """Load the file.

        Args:
            path: an ONNX file with input ``pixel_values`` and outputs ``logits``, ``heatmap`` and ``embedding``.
            threads: for one run; default: ``default_threads()``.
            lazy: load it at the first run, which then raises what is wrong with it.

        Raises:
            ModelFolderError: if the file cannot be loaded or has other inputs or outputs.
        """
        self._opened = OnFirstUse(partial(_open_checked, path, threads))
        if not lazy:
            self._opened()

    def run(self, pixel_values: Float32) -> Outputs:
        """Return the outputs for ``pixel_values`` (N, 3, H, W) float32, normalised."""
        return Outputs(*self._opened().run(["logits", "heatmap", "embedding"], {"pixel_values": pixel_values}))


class OnFirstUse(Generic[T]):
    """Something that is made when it is first called for, once for all threads."""

    def __init__(self, make: Callable[[], T]) -> None:
        """Remember how it is made."""
        self._make = make
        self._made: T | None = None
        self._lock = threading.Lock()

    def __call__(self) -> T:
        """Return it; raises what making it raises."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


def _open_checked(path: Path, threads: int | None) -> ort.InferenceSession:
    session = open_session(path, threads)
    inputs = [value.name for value in session.get_inputs()]
    outputs = [value.name for value in session.get_outputs()]
    if inputs != ["pixel_values"] or not {"logits", "heatmap", "embedding"} <= set(outputs):
        raise ModelFolderError(f"The model file {path.name} has other inputs or outputs: {inputs} -> {outputs}.")
    return session


def session_options(threads: int | None = None) -> ort.SessionOptions:
    """Return how every session runs: on ``threads`` threads (default: ``default_threads()``) that never spin."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or default_threads()
    options.inter_op_num_threads = 1
    # Waiting threads that spin would take CPU time from other processes on a shared machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def open_session(path: Path, threads: int | None = None) -> ort.InferenceSession:
    """Return an onnxruntime session on the CPU.

    Args:
        path: an ONNX file.
        threads: for one run; default: ``default_threads()``.

    Raises:
        ModelFolderError: if the file cannot be loaded.
    """
    try:
        return ort.InferenceSession(str(path), session_options(threads), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no base class but Exception
        raise ModelFolderError(f"The model file {path.name} cannot be loaded: {error}") from error
    finally:
        _give_back_memory()


def _give_back_memory() -> None:
    """Let glibc return freed memory to the system: a session keeps half of what opening it took."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def default_threads() -> int:
    """Return the number of threads for one inference.

    ``OVERREAD_THREADS`` decides if it is set. On AWS Lambda it is one thread per whole vCPU that the function's memory
    buys, at least one: the fraction of a vCPU that remains comes as time slices, and a thread on it would make the
    others wait at the end of every layer. Elsewhere it is the number of CPUs this process may use, at most four.

    Raises:
        ModelFolderError: if ``OVERREAD_THREADS`` is no positive whole number.
    """
    configured = os.environ.get(THREADS_VARIABLE)
    if configured:
        if not configured.isdigit() or int(configured) < 1:
            raise ModelFolderError(f"{THREADS_VARIABLE} must be a positive whole number, not {configured!r}.")
        return int(configured)
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    lambda_memory = os.environ.get(LAMBDA_MEMORY_VARIABLE)
    if lambda_memory:
        return max(1, min(available, int(lambda_memory) // LAMBDA_MB_PER_VCPU))
    return min(available, MAX_DEFAULT_THREADS)
