"""Data -> train -> calibrate -> export -> evaluate. The only package of this repository that imports torch."""

from training.methods.torchvision_operators import declare_missing_operators

declare_missing_operators()
