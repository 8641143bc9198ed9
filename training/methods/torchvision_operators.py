"""Makes torchvision's CUDA-built wheel importable beside a CPU-only torch; does nothing where the two match.

PyPI's torchvision wheel links against CUDA. Beside a CPU-only torch its binary cannot be loaded, so ``import
torchvision`` (and with it timm and transformers' ``Trainer``) stops at "operator torchvision::nms does not exist".
torchvision only needs the operators' *schemas* to import; declaring them is enough, since nothing here calls them.
"""

from importlib.util import find_spec
from pathlib import Path

import torch

_DECLARED: list[torch.library.Library] = []  # a Library takes its declarations with it when it is collected


def declare_missing_operators() -> bool:
    """Return True if torchvision's operators had to be declared, False if torchvision is absent or loads as it is.

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
        except OSError:  # links against CUDA libraries which this torch does not bring
            continue
    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _DECLARED.append(library)
    return True
