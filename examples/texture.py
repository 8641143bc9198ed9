"""Soft shapes and seeded smooth noise: what both phantoms are painted with.

Everything is float64, so that the 8-bit result does not hang on the last bits of a processor's exponential.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float64]  # (height, width)


def blur(field: Field, sigma: float | tuple[float, float], wrap: bool = False) -> Field:
    """Return the field convolved with a Gaussian of `sigma` pixels: one, or one each for rows and columns.

    Beyond the edges the field is taken as mirrored, or with `wrap` as repeated.
    """
    sigma_y, sigma_x = (sigma, sigma) if isinstance(sigma, int | float) else sigma
    margins = (
        [(0, 0)] * 2
        if wrap
        else [(min(int(4 * s) + 1, n),) * 2 for s, n in zip((sigma_y, sigma_x), field.shape, strict=True)]
    )
    padded = np.pad(field, margins, mode="symmetric")
    frequency_y = np.fft.fftfreq(padded.shape[0])[:, None]
    frequency_x = np.fft.rfftfreq(padded.shape[1])[None, :]
    transfer = np.exp(-2 * np.pi**2 * ((sigma_y * frequency_y) ** 2 + (sigma_x * frequency_x) ** 2))
    smooth = np.fft.irfft2(np.fft.rfft2(padded) * transfer, s=padded.shape)
    return smooth[margins[0][0] :, margins[1][0] :][: field.shape[0], : field.shape[1]]


def smooth_noise(rng: np.random.Generator, size: int, sigma: float | tuple[float, float]) -> Field:
    """Return (size, size) noise with a grain of `sigma` pixels, mean 0 and deviation 1, repeating at its edges."""
    noise = blur(rng.standard_normal((size, size)), sigma, wrap=True)
    return (noise - noise.mean()) / noise.std()


def soft_step(value: Field, width: float) -> Field:
    """Return 0 well below zero, 1 well above, with a smooth rise over about `width` on either side."""
    return 0.5 * (1 + np.tanh(value / width))


def downsample(field: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Return the mean over blocks of factor x factor pixels; a trailing channel axis is kept."""
    height, width = field.shape[0] // factor, field.shape[1] // factor
    return field.reshape(height, factor, width, factor, *field.shape[2:]).mean(axis=(1, 3))
