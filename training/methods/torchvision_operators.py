"""Makes torchvision, whose wheel is built for CUDA, importable beside a CPU-only torch.

Beside a CPU-only torch the wheel's binary cannot be loaded, so ``import torchvision`` (and with it timm and
transformers' ``Trainer``) stops with "operator torchvision::nms does not exist". The import only needs the operators'
schemas; declaring them is enough, since nothing here calls them.
"""

from importlib.util import find_spec
from pathlib import Path

import torch

_DECLARED: list[torch.library.Library] = []  # kept alive: a garbage-collected Library removes its declarations


def declare_missing_operators() -> bool:
    """Return True if operators were declared, False if torchvision is absent or its own binary loads.

    Call it before importing timm, transformers' Trainer or pytorch_grad_cam; calling it again changes nothing.
    """
    if _DECLARED:
        return True
    spec = find_spec("torchvision")  # finds the package without importing it
    if spec is None or not spec.submodule_search_locations:
        return False
    for binary in Path(spec.submodule_search_locations[0]).glob("_C*.so"):
        try:
            torch.ops.load_library(str(binary))
            return False
        except OSError:  # needs CUDA libraries, which a CPU-only torch does not bring
            continue
    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _DECLARED.append(library)
    return True
