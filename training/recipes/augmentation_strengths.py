"""How strongly training images are augmented; ``training/methods/augmentation.py`` applies these settings.

Each setting stands for a variation that labels survive and that scanners, stains and exposures cause.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

AugmentationName = Literal[
    "histopathology",
    "histopathology-strong",
    "chest-xray",
    "chest-xray-strong",
    "chest-xray-tone",
    "chest-xray-two-hospitals",
    "chest-xray-any-proportions",
    "chest-xray-half-cropped",
]


@dataclass(frozen=True)
class HistopathologyAugmentation:
    """A patch has no orientation: flips and right angles are always on."""

    stain_scale: float = 0.15  # optical density of a channel times 1 ± this
    stain_shift: float = 0.03  # and plus or minus this
    blur: float = 0.2  # probability
    blur_sigma: tuple[float, float] = (0.1, 1.0)  # px
    jpeg_quality: tuple[int, int] = (40, 95)


@dataclass(frozen=True)
class ChestXrayAugmentation:
    """A film is mirrored half of the time and never turned upside down; applied from top to bottom."""

    crop: float = 0.0  # probability of cutting out a part and stretching it to the whole
    crop_area: tuple[float, float] = (0.5, 1.0)  # of the film
    crop_ratio: tuple[float, float] = (0.6, 1.67)  # of the part's width to its height, over the film's own
    degrees: float = 0.0
    translate: float = 0.0  # fraction of the side, both directions
    scale: tuple[float, float] = (1.0, 1.0)
    shear: float = 0.0  # degrees, both directions
    equalize: float = 0.0  # probability of histogram equalisation
    autocontrast: float = 0.0  # probability
    gamma: float | None = None  # largest exponent; its inverse is the smallest
    tone_curve: bool = False  # a random monotone curve instead of gamma, brightness and contrast
    brightness: float = 0.0  # factor 1 ± this
    contrast: float = 0.0
    shading: float = 0.0  # probability of a linear gain across the film
    resampling: float = 0.0  # probability of scaling down or up and back, with random filters
    sharpness: float = 0.0  # probability of blurring or unsharp masking
    blur: float = 0.0  # probability of a Gaussian blur
    blur_kernel: int = 3  # px
    blur_sigma: tuple[float, float] = (0.1, 1.2)  # px
    erased_corner: float = 0.0  # probability for each corner, where radiographs carry lead markers
    erased_size: float = 0.22  # largest fraction of the side
    erased_border: float = 0.0  # probability for each side
    erased_band: float = 0.08  # largest fraction of the side
    jpeg_quality: tuple[int, int] = (50, 95)


# Leaves nothing global in grey values or sharpness that could predict the label.
TONE = ChestXrayAugmentation(
    degrees=12,
    translate=0.1,
    scale=(0.8, 1.3),
    shear=5,
    equalize=0.2,
    tone_curve=True,
    shading=0.5,
    sharpness=0.7,
    erased_corner=0.35,
    erased_size=0.28,
    jpeg_quality=(30, 95),
)
TWO_HOSPITALS = replace(TONE, resampling=0.8, erased_border=0.2)
AUGMENTATIONS: Mapping[AugmentationName, HistopathologyAugmentation | ChestXrayAugmentation] = {
    "histopathology": HistopathologyAugmentation(),
    "histopathology-strong": HistopathologyAugmentation(stain_scale=0.22, stain_shift=0.05),
    "chest-xray": ChestXrayAugmentation(
        degrees=8, translate=0.06, scale=(0.88, 1.15), brightness=0.25, contrast=0.3, blur=0.2
    ),
    "chest-xray-strong": ChestXrayAugmentation(
        degrees=10,
        translate=0.08,
        scale=(0.85, 1.2),
        equalize=0.1,
        autocontrast=0.2,
        gamma=1.7,
        brightness=0.25,
        contrast=0.4,
        blur=0.25,
        blur_kernel=5,
        blur_sigma=(0.1, 1.6),
        erased_corner=0.3,
        jpeg_quality=(35, 95),
    ),
    "chest-xray-tone": TONE,
    "chest-xray-two-hospitals": TWO_HOSPITALS,
    # How a film was cropped, and so how it was squashed, predicts the label in the children's set; here it does less.
    "chest-xray-any-proportions": replace(TWO_HOSPITALS, crop=0.8),
    "chest-xray-half-cropped": replace(TWO_HOSPITALS, crop=0.5),
}
