"""Scans of slides and fields of view: overread.scan.scan("slide.svs", "pcam-efficientnet-lite0", out="out").

Needs ``pip install overread[scan]``.
"""

from overread.errors import UnknownScaleError
from overread.scale import Scale
from overread.scan.errors import NotScannableError, ScanCancelledError
from overread.scan.plan import Plan, prepare, with_stride
from overread.scan.progress import Progress
from overread.scan.result import ScanResult
from overread.scan.scanner import run, scan

__all__ = [
    "NotScannableError",
    "Plan",
    "Progress",
    "Scale",
    "ScanCancelledError",
    "ScanResult",
    "UnknownScaleError",
    "prepare",
    "run",
    "scan",
    "with_stride",
]
