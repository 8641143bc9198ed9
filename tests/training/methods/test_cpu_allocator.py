import platform
import subprocess
import sys

import pytest

BLOCK, ROUNDS = 32 << 20, 80  # bytes, and how often they are asked for; the first few times are on new pages anyway
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
def test_freed_memory_is_not_cleared_by_the_kernel_again() -> None:
    def faults(mode: str) -> int:
        return int(subprocess.run([sys.executable, "-c", COUNT_FAULTS, mode], capture_output=True, check=True).stdout)

    assert faults("keep") * 4 < faults("default")
