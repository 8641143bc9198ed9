"""Closed outlines of the places where a map exceeds a level: marching squares, then fewer vertices."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Polygon = npt.NDArray[np.float64]  # (N, 2) x and y; the last vertex joins the first


def outlines(values: npt.NDArray[np.floating], level: float, tolerance: float, least_area: float) -> list[Polygon]:
    """Return the outer outlines of where a map exceeds a level, the largest first, as fractions of the map's sides.

    Marching squares (Lorensen & Cline 1987 in two dimensions) with linear interpolation between the centres of pixels;
    holes are left out. Vertices are thinned out as Douglas & Peucker (1973) do.

    Args:
        values: (H, W).
        level: what is inside exceeds it.
        tolerance: how far a thinned outline may lie from the full one, as a fraction of the side.
        least_area: smaller regions are left out; a fraction of the map.
    """
    height, width = values.shape
    found = [(_area(loop), loop) for loop in _loops(np.pad(values, 1, constant_values=level - 1), level)]
    scale = np.array([width, height])
    kept = sorted(((area, loop) for area, loop in found if area >= least_area * values.size), key=lambda one: -one[0])
    return [_thinned(np.clip((loop - 0.5) / scale, 0, 1), tolerance) for _, loop in kept]


def _loops(values: npt.NDArray[np.floating], level: float) -> Iterator[Polygon]:
    """Yield closed curves around the padded map's regions, clockwise on the screen; around holes the other way."""
    following = _segments(values > level)
    points = _crossings(values, level)
    while following:
        start, edge = following.popitem()
        loop = [start]
        while edge != start:
            loop.append(edge)
            edge = following.pop(edge)
        yield points[loop]


def _segments(inside: npt.NDArray[np.bool_]) -> dict[int, int]:
    """Return, for each crossed edge, the one that the curve crosses next.

    Each square of four pixels joins the edge at which its border, clockwise, goes out of the region to the edge before
    it at which it came in. Edges are numbered as ``_crossings`` orders them.
    """
    height, width = inside.shape
    first = np.arange(height * width).reshape(height, width)  # the edge from a pixel to the right, then downwards
    corners = (inside[:-1, :-1], inside[:-1, 1:], inside[1:, 1:], inside[1:, :-1])  # clockwise, as the edges are
    down = height * width
    edges = (first[:-1, :-1], first[:-1, 1:] + down, first[1:, :-1], first[:-1, :-1] + down)
    comes_in = [~corners[side] & corners[(side + 1) % 4] for side in range(4)]
    found: dict[int, int] = {}
    for side in range(4):
        left = corners[side] & ~corners[(side + 1) % 4]
        for back in (1, 2, 3):
            enters = (side - back) % 4
            here = left & comes_in[enters]
            found.update(zip(edges[side][here].tolist(), edges[enters][here].tolist(), strict=True))
            left &= ~here
    return found


def _crossings(values: npt.NDArray[np.floating], level: float) -> Polygon:
    """Return x and y of where each edge crosses the level: edges from a pixel to the right, then those downwards."""
    rows, columns = np.indices(values.shape)
    right, below = (np.roll(values, -1, axis) - values for axis in (1, 0))
    with np.errstate(divide="ignore", invalid="ignore"):  # edges that do not cross the level are never asked for
        across, down = (level - values) / right, (level - values) / below
    return np.concatenate(
        [np.stack([columns + across, rows], -1).reshape(-1, 2), np.stack([columns, rows + down], -1).reshape(-1, 2)]
    )


def _area(loop: Polygon) -> float:
    """Return the area inside, negative for a hole (the shoelace formula)."""
    x, y = loop.T
    return float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2


def _thinned(loop: Polygon, tolerance: float) -> Polygon:
    """Return the loop without the vertices that lie within the tolerance of a straight line between those kept."""
    far = int(np.argmax(np.hypot(*(loop - loop[0]).T)))
    halves = (loop[: far + 1], np.concatenate([loop[far:], loop[:1]]))
    return np.concatenate([_thinned_line(half, tolerance)[:-1] for half in halves])


def _thinned_line(line: Polygon, tolerance: float) -> Polygon:
    if len(line) < 3:
        return line
    along = line[-1] - line[0]
    offset = line[1:-1] - line[0]
    away = np.abs(along[0] * offset[:, 1] - along[1] * offset[:, 0]) / max(float(np.hypot(*along)), 1e-12)
    split = int(np.argmax(away)) + 1
    if away[split - 1] <= tolerance:
        return line[[0, -1]]
    return np.concatenate([_thinned_line(line[: split + 1], tolerance)[:-1], _thinned_line(line[split:], tolerance)])
