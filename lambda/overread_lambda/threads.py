"""How many threads one inference gets on Lambda."""

import os

# "At 1,769 MB, a function has the equivalent of one vCPU": AWS Lambda Developer Guide, Configure function memory.
MEGABYTES_PER_VCPU = 1769
MEMORY_VARIABLE = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
THREADS_VARIABLE = "OVERREAD_THREADS"


def threads() -> int | None:
    """Return a thread per whole vCPU that the memory buys, at least one; None if ``OVERREAD_THREADS`` decides.

    A fraction of a vCPU comes as time slices: a thread for it would keep the others waiting at every layer's end.
    """
    if os.environ.get(THREADS_VARIABLE):
        return None
    visible = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(visible, int(os.environ.get(MEMORY_VARIABLE, "0")) // MEGABYTES_PER_VCPU))
