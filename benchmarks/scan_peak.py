"""One scan in a process of its own, without torch, and its peak memory as JSON: see ``benchmarks.scan memory``.

python -m benchmarks.scan_peak FILE MODEL exact|dense
"""

import json
import re
import sys
from pathlib import Path
from time import perf_counter

import numpy as np

from overread.scan import prepare, run
from overread.scan.models import scan_model


def peak_mb() -> float:
    """Return this process's largest resident memory so far, in MB (Linux).

    ``resource.getrusage`` would count what the parent held when it forked.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1e3


def main() -> None:
    """Scan the file that the command line names."""
    path, name, engine = sys.argv[1:]
    model = scan_model(name, threads=1)
    loaded = peak_mb()
    started = perf_counter()
    stride = model.region.patch_px if engine == "exact" else None  # memory does not grow with the number of patches
    with prepare(path, model, exact=engine == "exact", stride=stride) as plan:
        result = run(plan)
        size = plan.slide.size
    report = {
        "engine": engine,
        "size": list(size),
        "tissue_mm2": float(np.nansum(result.tissue_mm2)),
        "seconds": perf_counter() - started,
        "loaded_mb": loaded,
        "peak_mb": peak_mb(),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
