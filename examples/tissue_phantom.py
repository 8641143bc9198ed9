"""Synthetic H&E patches, 96x96 px at 0.972 um/px (10x), painted as stain and seen through Beer-Lambert's law.

A patch is two maps drawn at eight times the resolution, the optical density of haematoxylin and of eosin. Light that
passes is 10 ** -(H * h + E * e) with the stain vectors h and e of Ruifrok & Johnston (Anal Quant Cytol Histol 2001,
23:291-299), and it is the light, not the density, that the sensor averages down to 96x96. One pixel is about 1 um, so
the sizes below, in pixels, are sizes in um: lymphocyte nuclei about 7, tumour nuclei 12 to 20.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from examples.texture import Field, blur, downsample, smooth_noise, soft_step

SIZE = 96
SCALE = 8  # drawn pixels per patch pixel
DRAWN = SIZE * SCALE
HAEMATOXYLIN = np.array([0.650, 0.704, 0.286])
EOSIN = np.array([0.072, 0.990, 0.105])
# Camelyon16 has two scanners. On one the stains look as the vectors say; the other's blue channel also sees a part of
# the green absorption, which turns eosin from magenta to salmon and nuclei from blue to purple. Share from PCam's hues.
VIOLET_SCANNER = 0.04
ROSE_SCANNER = 0.26
GLASS = 243.0  # 8-bit level of the empty slide
SENSOR_NOISE = 2.2  # 8-bit levels
LENS_BLUR = 0.5  # patch pixels
SHARPENING = 0.55  # slide scanners sharpen: the light rim round dark nuclei


@dataclass
class Slide:
    """A patch while it is painted: `h` and `e` are optical densities of the two stains, (DRAWN, DRAWN)."""

    rng: np.random.Generator
    h: Field = field(default_factory=lambda: np.zeros((DRAWN, DRAWN)))
    e: Field = field(default_factory=lambda: np.zeros((DRAWN, DRAWN)))

    def noise(self, grain: float) -> Field:
        """Return unit noise over the patch with a grain in patch pixels."""
        return smooth_noise(self.rng, DRAWN, grain * SCALE)

    def image(self, scanner: float) -> Image.Image:
        """Return what the scanner sees, an RGB picture of SIZE x SIZE."""
        density = self.h[..., None] * HAEMATOXYLIN + self.e[..., None] * EOSIN  # (DRAWN, DRAWN, 3)
        density[..., 2] += scanner * density[..., 1]
        light = 10.0**-density
        seen = np.stack([downsample(blur(light[..., c], LENS_BLUR * SCALE), SCALE) for c in range(3)], axis=-1)
        soft = np.stack([blur(seen[..., c], 1.0) for c in range(3)], axis=-1)
        seen = (seen + SHARPENING * (seen - soft)) * GLASS
        seen = seen + self.rng.normal(0, SENSOR_NOISE, (SIZE, SIZE, 1)) + self.rng.normal(0, 1, seen.shape)
        return Image.fromarray(np.clip(np.rint(seen), 0, 255).astype(np.uint8), "RGB")


@dataclass(frozen=True)
class NucleusKind:
    """How a cell type's nuclei look: lengths in patch pixels (about um), densities as haematoxylin optical density."""

    diameter: tuple[float, float]
    elongation: tuple[float, float]
    irregularity: float  # relative size of the bumps in the outline
    body: tuple[float, float]  # optical density of the chromatin
    membrane: float  # extra density of the nuclear membrane
    clumping: float  # relative contrast of the chromatin's grain
    nucleoli: tuple[int, int]


LYMPHOCYTE = NucleusKind((5.6, 7.8), (1.0, 1.3), 0.07, (0.50, 0.98), 0.14, 0.30, (0, 0))
TUMOUR = NucleusKind((11.5, 17.0), (1.05, 1.5), 0.075, (0.22, 0.48), 0.28, 0.36, (1, 3))
SPINDLE = NucleusKind((4.0, 5.8), (2.2, 4.8), 0.07, (0.38, 0.72), 0.15, 0.25, (0, 0))


def paint_nucleus(slide: Slide, x: float, y: float, kind: NucleusKind, angle: float | None = None) -> None:
    """Add one nucleus centred at (x, y) in patch pixels; `angle` of its long axis in radians, random if not given."""
    rng = slide.rng
    angle = rng.uniform(0, np.pi) if angle is None else angle
    elongation = rng.uniform(*kind.elongation)
    radius = rng.uniform(*kind.diameter) / 2 * SCALE
    reach = int(radius * np.sqrt(elongation) * 1.5) + SCALE
    left, top = int(x * SCALE) - reach, int(y * SCALE) - reach
    rows = slice(max(top, 0), min(top + 2 * reach, DRAWN))
    columns = slice(max(left, 0), min(left + 2 * reach, DRAWN))
    bumps = rng.normal(0, kind.irregularity, 4) / np.array([1, 1.3, 1.8, 2.4])
    phases = rng.uniform(0, 2 * np.pi, 4)
    body, spots = rng.uniform(*kind.body), rng.integers(kind.nucleoli[0], kind.nucleoli[1] + 1)
    spot_places = rng.uniform(-0.45, 0.45, (spots, 2)) * radius
    grain = smooth_noise(rng, 2 * reach, SCALE * 0.16 * np.sqrt(radius / SCALE))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    down, right = np.mgrid[rows, columns].astype(float)
    down, right = down - y * SCALE, right - x * SCALE
    along = (right * np.cos(angle) + down * np.sin(angle)) / np.sqrt(elongation)
    across = (down * np.cos(angle) - right * np.sin(angle)) * np.sqrt(elongation)
    theta = np.arctan2(across, along)
    outline = 1 + sum(b * np.cos((n + 2) * theta + p) for n, (b, p) in enumerate(zip(bumps, phases, strict=True)))
    depth = radius * outline - np.hypot(along, across)  # distance inside the outline, drawn pixels
    inside = soft_step(depth, rng.uniform(0.3, 0.8) * SCALE)  # not every nucleus lies in focus
    rim = np.exp(-(((depth - 0.55 * SCALE) / (0.6 * SCALE)) ** 2))
    texture = grain[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    density = body * (1 + kind.clumping * texture) + kind.membrane * rim
    for right_of, below in spot_places:
        distance = np.hypot(right - right_of, down - below)
        density = density + 0.60 * soft_step(1.2 * SCALE - distance, 0.35 * SCALE)
    density = np.maximum(density, 0.12) * inside
    here = slide.h[rows, columns]
    # A section is a few um thick: nuclei that overlap add up only in part.
    slide.h[rows, columns] = np.maximum(here, density) + 0.25 * np.minimum(here, density)
    slide.e[rows, columns] = slide.e[rows, columns] * (1 - 0.2 * inside) + 0.28 * inside * density


def scatter(slide: Slide, spacing: float, where: Field) -> NDArray[np.float64]:
    """Return (n, 2) places x, y, at least `spacing` patch pixels apart, where the drawn mask is above a half."""
    places = np.empty((0, 2))
    for x, y in slide.rng.uniform(-4, SIZE + 4, (4000, 2)):
        row, column = np.clip([int(y * SCALE), int(x * SCALE)], 0, DRAWN - 1)
        if where[row, column] > 0.5 and np.all(np.hypot(*(places - (x, y)).T) >= spacing):
            places = np.vstack([places, (x, y)])
    return places


def cells(slide: Slide, places: NDArray[np.float64], warp: float) -> tuple[Field, NDArray[np.intp]]:
    """Return each drawn pixel's distance to the border between the two nearest places (patch px), and the nearest.

    `warp` bends the borders by so many patch pixels: cells are not polygons.
    """
    down, right = np.mgrid[0:DRAWN, 0:DRAWN] / SCALE
    down, right = down + warp * slide.noise(6), right + warp * slide.noise(6)
    nearest, second = np.full((DRAWN, DRAWN), np.inf), np.full((DRAWN, DRAWN), np.inf)
    owner = np.zeros((DRAWN, DRAWN), dtype=np.intp)
    for index, (x, y) in enumerate(places):
        distance = np.hypot(right - x, down - y)
        second = np.minimum(second, np.maximum(nearest, distance))
        owner = np.where(distance < nearest, index, owner)
        nearest = np.minimum(nearest, distance)
    return (second - nearest) / 2, owner


def blob(slide: Slide, radius: float, softness: float = 1.0) -> Field:
    """Return a mask, 1 inside an uneven disc about the patch's centre, `radius` in patch pixels."""
    down, right = np.mgrid[0:DRAWN, 0:DRAWN] / SCALE - SIZE / 2
    edge = radius + 0.16 * radius * slide.noise(11)
    return soft_step(edge - np.hypot(right, down), softness)


def direction(field: Field) -> Field:
    """Return the angle (radians) along which the field's ridges run: the structure tensor's weak axis."""
    down, right = np.gradient(field, axis=0), np.gradient(field, axis=1)
    xx, xy, yy = (blur(product, 1.5 * SCALE) for product in (right * right, right * down, down * down))
    return 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2


def paint_lymphoid(slide: Slide, where: Field, spacing: float = 6.4) -> None:
    """Fill the mask with a sheet of small lymphocytes: scant cytoplasm, pale clefts between the cells."""
    slide.e += where * np.maximum(0.17 + 0.06 * slide.noise(2.2) + 0.05 * slide.noise(0.5), 0.02)
    slide.h += where * np.maximum(0.08 + 0.05 * slide.noise(1.8), 0)
    clefts = where * soft_step(slide.noise(2.6) - 0.85, 0.25)
    slide.e *= 1 - 0.9 * clefts
    slide.h *= 1 - 0.9 * clefts
    for x, y in scatter(slide, spacing, where * (1 - 0.8 * clefts)):
        paint_nucleus(slide, x, y, LYMPHOCYTE)


def paint_tumour(slide: Slide, where: Field, spacing: float = 15.5) -> None:
    """Fill the mask with large pleomorphic epithelial cells: vesicular nuclei, nucleoli, abundant pink cytoplasm."""
    places = scatter(slide, spacing, np.ones_like(where))
    border, owner = cells(slide, places + slide.rng.normal(0, 1.2, places.shape), 0.8)
    tint = slide.rng.normal(1, 0.17, len(places))[owner]
    cytoplasm = tint * (0.17 + 0.045 * slide.noise(0.6) + 0.035 * slide.noise(2.5))
    cytoplasm = cytoplasm + 0.09 * np.exp(-((border / 0.6) ** 2))
    slide.e += where * np.maximum(cytoplasm, 0.05)
    slide.h += where * np.maximum(0.08 * tint + 0.035 * slide.noise(0.7), 0)
    for x, y in places:
        row, column = np.clip([int(y * SCALE), int(x * SCALE)], 0, DRAWN - 1)
        if where[row, column] > 0.5:
            paint_nucleus(slide, x, y, TUMOUR)


def paint_collagen(slide: Slide, where: Field, angle: float, nuclei_spacing: float = 15.0) -> None:
    """Fill the mask with wavy collagen along `angle` (radians), split by clefts, with a few spindle nuclei."""
    down, right = np.mgrid[0:DRAWN, 0:DRAWN] / SCALE
    wave = 3.5 * slide.noise(14) + 0.9 * slide.noise(5)
    along = right * np.cos(angle) + down * np.sin(angle)
    across = down * np.cos(angle) - right * np.sin(angle) + wave
    at = np.floor(across * SCALE).astype(int) % DRAWN, np.floor(along * SCALE).astype(int) % DRAWN
    fine = smooth_noise(slide.rng, DRAWN, (0.55 * SCALE, 11 * SCALE))[at]
    bundles = smooth_noise(slide.rng, DRAWN, (2.4 * SCALE, 26 * SCALE))[at]
    clefts = where * soft_step(smooth_noise(slide.rng, DRAWN, (1.0 * SCALE, 20 * SCALE))[at] - 1.15, 0.3)
    slide.e += where * np.maximum(0.19 + 0.06 * fine + 0.05 * bundles + 0.03 * slide.noise(0.5), 0.03)
    slide.h += where * np.maximum(0.05 + 0.015 * fine, 0)
    slide.e *= 1 - 0.85 * clefts
    slide.h *= 1 - 0.85 * clefts
    tilt_down, tilt_right = np.gradient(wave, 1 / SCALE)
    slope = tilt_right * np.cos(angle) + tilt_down * np.sin(angle)  # the fibres follow lines of constant `across`
    for x, y in scatter(slide, nuclei_spacing, where * (1 - clefts)):
        row, column = np.clip([int(y * SCALE), int(x * SCALE)], 0, DRAWN - 1)
        paint_nucleus(slide, x, y, SPINDLE, angle - float(np.arctan(slope[row, column])))


def lymphoid_patch(seed: int) -> Image.Image:
    """Return a sheet of densely packed small lymphocytes."""
    slide = Slide(np.random.default_rng(seed))
    paint_lymphoid(slide, np.ones((DRAWN, DRAWN)))
    return slide.image(ROSE_SCANNER)


def metastasis_patch(seed: int) -> Image.Image:
    """Return large pleomorphic epithelial nuclei over the whole centre, lymphocytes only at the rim."""
    slide = Slide(np.random.default_rng(seed))
    nest = blob(slide, 47)
    paint_lymphoid(slide, 1 - nest)
    paint_tumour(slide, nest)
    return slide.image(ROSE_SCANNER)


def tumour_nest_patch(seed: int) -> Image.Image:
    """Return a nest of large epithelial cells that covers the centre 32x32 px within a sheet of lymphocytes."""
    slide = Slide(np.random.default_rng(seed))
    nest = blob(slide, 29)
    paint_lymphoid(slide, 1 - nest)
    paint_tumour(slide, nest, spacing=14)
    return slide.image(VIOLET_SCANNER)


def stroma_patch(seed: int) -> Image.Image:
    """Return wavy collagen fibres with a few spindle-shaped nuclei."""
    slide = Slide(np.random.default_rng(seed))
    paint_collagen(slide, np.ones((DRAWN, DRAWN)), slide.rng.uniform(0.2, 1.0))
    return slide.image(ROSE_SCANNER)


def fat_patch(seed: int) -> Image.Image:
    """Return empty-looking fat cells with thin membranes, and a band of lymphocytes along one side."""
    slide = Slide(np.random.default_rng(seed))
    down, right = np.mgrid[0:DRAWN, 0:DRAWN] / SCALE
    band = soft_step(0.9 * right + 0.45 * down - 84 + 4 * slide.noise(9), 1.0)
    border, _ = cells(slide, scatter(slide, 38, np.ones_like(band)), 1.6)
    membrane = (1 - band) * np.exp(-((border / (0.8 + 0.25 * slide.noise(8))) ** 2))
    slide.e += 0.26 * membrane
    slide.h += 0.12 * membrane
    lie = direction(membrane)
    for x, y in scatter(slide, 30, membrane * soft_step(slide.noise(4), 0.5)):
        row, column = np.clip([int(y * SCALE), int(x * SCALE)], 0, DRAWN - 1)
        paint_nucleus(slide, x, y, SPINDLE, float(lie[row, column]))
    paint_lymphoid(slide, band, spacing=7.4)
    return slide.image(ROSE_SCANNER)
