"""Data -> train -> calibrate -> export -> evaluate. The only package of this repository that imports torch."""

from training.torchvision_on_cpu_torch import declare_missing_operators

declare_missing_operators()
