import platform
import subprocess
import sys

import pytest

BLOCK, ROUNDS = 32 << 20, 80  # bytes, number of allocations; the first few use new pages in any case
COUNT_FAULTS = f"""
import resource, sys, torch
from training.methods.cpu_allocator import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range({ROUNDS}):
    torch.zeros({BLOCK}, dtype=torch.uint8).add_(1)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc's allocator is changed")
def test_freed_memory_is_reused_without_page_faults() -> None:
    def faults(mode: str) -> int:
        return int(subprocess.run([sys.executable, "-c", COUNT_FAULTS, mode], capture_output=True, check=True).stdout)

    assert faults("keep") * 4 < faults("default")
