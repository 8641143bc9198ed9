"""Synthetic frontal chest films, 512x512 grayscale: a body of simple solids, X-rayed.

The chest is built in three dimensions from ellipsoids (body, chest cavity, heart, liver, stomach) and tubes (ribs,
clavicles, vessels); what reaches the film is exp(-mu * thickness) summed along the ray, plus a veil of scatter, seen
through a film curve. Ribs are real rings round the cavity, so their crossing front and back halves and the bright
lateral margins come from the projection. Lengths are in half widths of the picture: x from -1 to 1, y from 0 (top) to
2 (bottom), and depth z alike. The patient faces us, so the patient's right is on the picture's left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from examples.texture import Field, blur, smooth_noise, soft_step

Opacity = Literal["none", "right-lower", "left-mid", "bilateral"]
SIZE = 512
HALF = SIZE / 2
TISSUE = 1.9  # attenuation per unit of depth; bone's is given where it is drawn
SCATTER = 0.16  # share of the light that is scattered
MID_EXPOSURE = 1.15  # attenuation at the middle of the film curve
NOISE = 1.7  # 8-bit levels


@dataclass(frozen=True)
class Build:
    """One patient's proportions, drawn from the seed; lengths in half widths of the picture."""

    apex: float
    width: float  # of the chest cavity, half
    depth: float
    right_dome: float
    left_dome: float
    heart: float  # relative size
    lean: float  # sideways shift of the midline
    rib_drop: float


def build(rng: np.random.Generator) -> Build:
    """Return a patient."""
    return Build(
        apex=rng.uniform(0.18, 0.30),
        width=rng.uniform(0.69, 0.82),
        depth=rng.uniform(0.44, 0.50),
        right_dome=rng.uniform(1.36, 1.50),
        left_dome=rng.uniform(1.44, 1.56),
        heart=rng.uniform(0.88, 1.10),
        lean=rng.uniform(-0.03, 0.03),
        rib_drop=rng.uniform(0.46, 0.58),
    )


def grid(body: Build) -> tuple[Field, Field]:
    """Return x and y of every pixel, (SIZE, SIZE) each, x measured from the patient's midline."""
    down, right = np.mgrid[0:SIZE, 0:SIZE] + 0.5
    return right / HALF - 1 - body.lean, down / HALF


def ellipsoid(
    x: Field, y: Field, centre: tuple[float, float], axes: tuple[float, float, float], turn: float = 0
) -> Field:
    """Return the thickness along z of an ellipsoid with half axes (x, y, z), turned by `turn` radians."""
    right, down = x - centre[0], y - centre[1]
    along, across = right * np.cos(turn) + down * np.sin(turn), down * np.cos(turn) - right * np.sin(turn)
    return 2 * axes[2] * np.sqrt(np.maximum(1 - (along / axes[0]) ** 2 - (across / axes[1]) ** 2, 0))


def cavity_half_width(y: NDArray[np.float64], body: Build) -> NDArray[np.float64]:
    """Return half the width of the chest cavity at height y: a dome at the apex, nearly straight below."""
    fall = np.clip((y - body.apex) / (1.50 - body.apex), 0, 1.4)
    return body.width * np.sqrt(1 - (1 - np.minimum(fall, 1)) ** 2.7) * (0.84 + 0.16 * fall)


def lens(x: Field, half_width: Field, half_depth: Field | float) -> Field:
    """Return the thickness of a body whose cross-section at each height is an ellipse."""
    return 2 * half_depth * np.sqrt(np.maximum(1 - (x / np.maximum(half_width, 1e-6)) ** 2, 0)) * (half_width > 0)


def splat(x: NDArray[np.float64], y: NDArray[np.float64], weight: NDArray[np.float64], body: Build) -> Field:
    """Return points in patient coordinates summed into pixels: the projection of whatever the points sample."""
    column = np.floor((x + 1 + body.lean) * HALF).astype(int)
    row = np.floor(y * HALF).astype(int)
    seen = (column >= 0) & (column < SIZE) & (row >= 0) & (row < SIZE)
    flat = np.bincount(row[seen] * SIZE + column[seen], weights=weight[seen], minlength=SIZE * SIZE).astype(float)
    return flat.reshape(SIZE, SIZE)


def tube(
    x: NDArray[np.float64], y: NDArray[np.float64], radius: NDArray[np.float64], body: Build, rng: np.random.Generator
) -> Field:
    """Return the thickness of round tubes given by closely spaced points along their axes; radius 0 ends a tube."""
    length = np.hypot(np.diff(x, append=x[-1:]), np.diff(y, append=y[-1:])) * (radius > 0)
    length = np.where(length > 0.05, 0, length)  # the jump from one tube to the next is no tube
    samples = 24
    angle, reach = rng.uniform(0, 2 * np.pi, (samples, len(x))), np.sqrt(rng.uniform(0, 1, (samples, len(x)))) * radius
    # Points spread evenly over the disc's height project to a chord, which is a tube's profile.
    weight = np.broadcast_to(np.pi * radius**2 * length / samples * HALF**2, angle.shape)
    points = splat((x + reach * np.cos(angle)).ravel(), (y + reach * np.sin(angle)).ravel(), weight.ravel(), body)
    return blur(points, 0.9)


def ribs(body: Build) -> Field:
    """Return the thickness of eleven pairs of ribs: tilted rings whose front ends turn to cartilage and vanish."""
    phi = np.linspace(0.10, 0.80 * np.pi, 2200)[:, None, None]  # 0 at the spine, pi at the breastbone
    height = np.linspace(-1, 1, 19)[None, :, None]
    radial = np.linspace(-1, 1, 3)[None, None, :]
    bony = 0.5 * (1 - np.tanh((phi - 0.70 * np.pi) / 0.12)) * (0.45 + height**4)  # cortex along both edges
    total = np.zeros((SIZE, SIZE))
    for k in range(11):
        top = body.apex + 0.045 + 0.142 * k
        drop = body.rib_drop * (0.72 + 0.05 * k)
        wide = float(cavity_half_width(np.array(top + 0.30 * drop), body)) + 0.018
        deep = body.depth * (0.55 + 0.45 * wide / body.width)
        half_height = 0.023 + 0.006 * phi / np.pi
        arc = np.sqrt((wide * np.cos(phi)) ** 2 + (deep * np.sin(phi)) ** 2) * (phi[1] - phi[0])
        x = (wide + 0.010 * radial) * np.sin(phi) + 0 * height
        arch = 0.05 * np.sin(2 * phi) * (phi < np.pi / 2)  # the back of a rib rises before it falls
        y = top - arch + drop * (1 - np.cos(phi)) / 2 + half_height * height + 0 * radial
        weight = np.broadcast_to(bony * arc * half_height * 2 / 19 * 0.020 / 3 * HALF**2, x.shape)
        for side in (-1, 1):
            total += splat(side * x.ravel(), y.ravel(), weight.ravel(), body)
    return blur(total, 1.1)


def spine(x: Field, y: Field) -> Field:
    """Return the attenuation of vertebrae with paler discs between them, pedicles and transverse processes."""
    spacing = 0.128
    phase = (y / spacing) % 1 - 0.5  # 0 in the middle of a vertebra, +-0.5 in the disc
    total = lens(x, 0.088 + 0.014 * np.abs(2 * phase) ** 3 + 0 * x, 0.10) * (
        1 - 0.55 * soft_step(np.abs(phase) - 0.38, 0.06)
    )
    for n in range(int(2 / spacing) + 1):
        centre = (n + 0.42) * spacing
        for side in (-1, 1):
            total += 0.80 * ellipsoid(x, y, (side * 0.062, centre), (0.020, 0.027, 0.05))
            total += 0.35 * ellipsoid(x, y, (side * 0.12, centre - 0.01), (0.06, 0.018, 0.05))
        total += 0.35 * ellipsoid(x, y, (0, centre + 0.05), (0.012, 0.03, 0.06))
    return 2.4 * total


def branches(side: int, body: Build, rng: np.random.Generator, thickness: float = 0.017) -> Field:
    """Return the thickness of a tree of vessels that leaves the hilum of one lung (-1: patient's right) and divides."""
    steps, xs, ys, radii = 18, [], [], []
    heading = np.linspace(-1.25, 1.45, 9) + rng.normal(0, 0.10, 9)  # 0 points away from the midline, + is down
    x, y, radius = np.full(9, 0.15), 0.84 + 0.10 * heading, thickness * rng.uniform(0.75, 1.15, 9)
    for generation in range(6):
        length = 0.135 * 0.86**generation * rng.uniform(0.7, 1.3, len(x))
        for step in range(steps):
            heading = heading + rng.normal(0, 0.045, len(x))
            x, y = x + np.cos(heading) * length / steps, y + np.sin(heading) * length / steps
            xs.append(x)
            ys.append(y)
            radii.append(radius * (1 - 0.22 * step / steps))
        spread = rng.uniform(0.22, 0.55, len(x))
        heading = np.concatenate([heading - spread, heading + spread * rng.uniform(0.3, 1, len(x))])
        x, y, radius = np.tile(x, 2), np.tile(y, 2), np.tile(radius * 0.73, 2) * rng.uniform(0.85, 1.1, 2 * len(x))
    total = np.zeros((SIZE, SIZE))
    for first in range(0, len(xs), steps):  # one generation at a time: its tubes have the same number of points
        along = [np.array(part[first : first + steps]).T for part in (xs, ys, radii)]
        ends = along[2].copy()
        ends[:, -1] = 0
        total += tube(side * along[0].ravel(), along[1].ravel(), ends.ravel(), body, rng)
    return total


def organs(x: Field, y: Field, body: Build) -> Field:
    """Return the thickness of what displaces lung: heart, great vessels, and liver and spleen below the diaphragm."""
    s = body.heart
    parts = [
        ellipsoid(x, y, (0.13, 1.24), (0.42 * s, 0.25 * s, 0.30), 0.66),  # left ventricle
        ellipsoid(x, y, (-0.04, 1.22), (0.185 * s, 0.33 * s, 0.27)),  # right atrium
        ellipsoid(x, y, (0.07, 0.90), (0.165 * s, 0.27, 0.24)),  # pulmonary trunk
        ellipsoid(x, y, (0.065, 0.66), (0.115, 0.14, 0.26)),  # aortic arch
        ellipsoid(x, y, (-0.05, 0.68), (0.105, 0.60, 0.24)),  # superior vena cava
        lens(x, 0.120 + 0.015 * np.cos(5 * y), 0.26),  # spine side of the mediastinum
        ellipsoid(x, y, (-0.40, body.right_dome + 0.62), (0.62, 0.62, 0.75)),
        ellipsoid(x, y, (0.43, body.left_dome + 0.60), (0.58, 0.60, 0.75)),
        ellipsoid(x, y, (0.03, body.left_dome - 0.03 + 0.60), (0.50, 0.60, 0.75)),
    ]
    return sum(part**3 for part in parts) ** (1 / 3)  # a maximum whose seams are rounded, as fat rounds them


def outline(x: Field, y: Field, body: Build) -> Field:
    """Return the thickness of the whole body: neck, sloping shoulders, trunk, upper arms."""
    trunk_width = body.width + 0.12 + 0.05 * np.cos(2.2 * (y - 0.55)) - 0.02 * y
    trunk = lens(x, trunk_width * soft_step(y - 0.10, 0.22), 0.40 + 0.20 * soft_step(y - 0.50, 0.35))
    neck = lens(x, 0.34 + 0.20 * np.exp(-(((y - 0.30) / 0.16) ** 2)), 0.30) * soft_step(0.75 - y, 0.2)
    parts = [trunk, neck]
    for side in (-1, 1):
        parts.append(ellipsoid(x, y, (side * 0.66, 0.46), (0.58, 0.30, 0.42), side * 0.30))
        parts.append(ellipsoid(x, y, (side * 1.12, 0.80), (0.20, 0.62, 0.30), -side * 0.16))
    return blur(np.maximum.reduce(parts), 3.0)


def opacity_share(x: Field, y: Field, opacity: Opacity, body: Build, rng: np.random.Generator) -> Field:
    """Return the share of air replaced by fluid, 0 to 1, for a kind of opacity; branching airways in it stay open."""
    uneven, fine = smooth_noise(rng, SIZE, 22), smooth_noise(rng, SIZE, 5)
    if opacity == "none":
        return np.zeros_like(x)
    if opacity == "bilateral":
        patches = soft_step(smooth_noise(rng, SIZE, 17) + 0.45 * fine - 0.45 + 0.8 * (y - 1.05), 1.1)
        return 0.66 * patches * soft_step(y - 0.50, 0.3)
    centre, axes = {
        "right-lower": ((-0.43, 1.38), (0.34, 0.25)),
        "left-mid": ((0.47, 1.08), (0.31, 0.30)),
    }[opacity]
    distance = np.hypot((x - centre[0]) / axes[0], (y - centre[1]) / axes[1])
    share = 0.86 * soft_step(0.97 - distance + 0.16 * uneven + 0.06 * fine, 0.42) * (1 + 0.06 * fine)
    airways = branches(int(np.sign(centre[0])), body, rng, thickness=0.013)
    return share * (1 - 0.30 * np.minimum(airways / 0.02, 1))


def chest(seed: int, opacity: Opacity = "none") -> Image.Image:
    """Return a frontal film, mode L, SIZE x SIZE; the same seed is the same patient whatever the opacity.

    Raises ValueError for an opacity not named in `Opacity`.
    """
    if opacity not in get_args(Opacity):
        raise ValueError(f"opacity is one of {', '.join(get_args(Opacity))}, not {opacity!r}")
    rng = np.random.default_rng(seed)
    body = build(rng)
    x, y = grid(body)
    half_width = cavity_half_width(y, body)
    cavity = lens(x, half_width, body.depth * (0.40 + 0.60 * half_width / body.width))
    air = np.maximum(cavity - organs(x, y, body), 0)
    share = opacity_share(x, y, opacity, body, np.random.default_rng([seed, 1]))
    lungs = air * (0.80 - 0.03 * smooth_noise(rng, SIZE, 30)) * (1 - share)
    trachea = lens(x + 0.012, 0.056 * soft_step(0.77 - y, 0.07), 0.11 * soft_step(0.77 - y, 0.07))
    stomach = blur(ellipsoid(x, y, (0.42, body.left_dome + 0.17), (0.16, 0.085, 0.10), -0.25), 2.5)
    hilum_axes = (0.10, 0.17, 0.07)
    hila = ellipsoid(x, y, (-0.17, 0.95), hilum_axes, 0.35) + ellipsoid(x, y, (0.17, 0.91), hilum_axes, -0.35)
    markings = 3.8 * (branches(-1, body, rng) + branches(1, body, rng)) + 0.7 * blur(hila, 5)
    lungs = lungs - markings * soft_step(air - 0.10, 0.10) * (1 - share)
    tissue = outline(x, y, body) * (1 + 0.02 * smooth_noise(rng, SIZE, 24)) - lungs - trachea - stomach
    attenuation = TISSUE * blur(np.maximum(tissue, 0), 1.2) + skeleton(x, y, body, rng)
    return develop(attenuation, rng)


def skeleton(x: Field, y: Field, body: Build, rng: np.random.Generator) -> Field:
    """Return the attenuation of ribs, spine, clavicles, shoulder blades and upper arms."""
    rings = 13.0 * ribs(body)
    total = 0.62 * np.tanh(rings / 0.62) + spine(x, y)
    t = np.linspace(0, 1, 700)
    for side in (-1, 1):
        clavicle_y = 0.38 - 0.15 * t + 0.028 * np.sin(2 * np.pi * t)
        clavicle = tube(side * (0.085 + 0.62 * t), clavicle_y, 0.021 + 0.012 * (2 * t - 1) ** 2, body, rng)
        total += 0.42 * np.tanh(9.0 * clavicle / 0.42)
        total += 1.6 * ellipsoid(x, y, (side * 0.80, 0.66), (0.13, 0.33, 0.035), side * 0.22)
        total += 1.5 * blur(ellipsoid(x, y, (side * 1.02, 0.42), (0.13, 0.12, 0.10)), 2.0)
        total += 1.3 * ellipsoid(x, y, (side * 1.10, 0.86), (0.060, 0.46, 0.06), -side * 0.22)
    return total


def develop(attenuation: Field, rng: np.random.Generator) -> Image.Image:
    """Return the film: light through `attenuation` plus scatter, a sigmoid film curve, grain."""
    light = np.exp(-attenuation)
    light = (1 - SCATTER) * light + SCATTER * blur(light, 38) * np.minimum(1, 4 * attenuation)
    exposure = -np.log(light)
    curve = 1 / (1 + np.exp(-2.1 * (exposure - MID_EXPOSURE)))
    base = 1 / (1 + np.exp(2.1 * MID_EXPOSURE))
    gray = 8 + 221 * (curve - base) / (1 - base)
    gray += NOISE * (0.8 * smooth_noise(rng, SIZE, 0.8) + 0.5 * rng.standard_normal((SIZE, SIZE)))
    return Image.fromarray(np.clip(np.rint(gray), 0, 255).astype(np.uint8), "L")
