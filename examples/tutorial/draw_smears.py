"""Draws synthetic blood smears, with and without parasites: python examples/tutorial/draw_smears.py smears

Writes ``FOLDER/train``, ``validation`` and ``test``, each with a folder per label. Every patient has a stain of their
own and pictures with both labels, and is in one split only. Platelets, which are as purple as parasites, lie beside and
on the cells of every picture: a net has to see the ring inside a red cell.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

LABELS = ("no parasite", "parasite")
PATIENTS = {"train": 120, "validation": 40, "test": 60}
PICTURES = 16  # of each patient, half of them with parasites
SIDE, SCALE = 96, 3  # px; drawn three times as large and reduced, which makes soft edges
PAPER, CELL, PALE, PURPLE = ((234, 226, 214), (204, 132, 128), (226, 178, 168), (112, 70, 150))

Colour = tuple[int, int, int]


class Stain:
    """How one patient's smear was stained and lit."""

    def __init__(self, random: np.random.Generator) -> None:
        """Draw the stain."""
        self.gain = random.normal(1, 0.06, 3) * random.normal(1, 0.05)
        self.depth = random.uniform(0.55, 1.0)  # of the purple
        self.blur = random.uniform(0.8, 1.6)  # px of the large drawing

    def __call__(self, colour: Colour, purple: bool = False) -> Colour:
        """Return a colour as this smear shows it."""
        strength = self.depth if purple else 1.0
        shown = (np.asarray(colour) * strength + np.asarray(CELL) * (1 - strength)) * self.gain
        red, green, blue = (int(value) for value in shown.clip(0, 255))
        return red, green, blue


def draw_smear(stain: Stain, infected: bool, random: np.random.Generator) -> Image.Image:
    """Return a picture of 96 x 96 px."""
    picture = Image.new("RGB", (SIDE * SCALE, SIDE * SCALE), stain(PAPER))
    draw = ImageDraw.Draw(picture)
    cells = random.uniform(0, SIDE * SCALE, (int(random.integers(8, 15)), 2))
    cells[0] = random.uniform(0.25, 0.75, 2) * SIDE * SCALE  # at least one lies well inside
    radii = random.uniform(9, 13, len(cells)) * SCALE
    for (x, y), radius in zip(cells, radii, strict=True):
        disc(draw, x, y, radius, stain(CELL))
        disc(draw, x + random.normal(0, 2), y + random.normal(0, 2), radius * 0.45, stain(PALE))
    for _ in range(random.integers(2, 6)):  # platelets: on any place
        x, y = random.uniform(0.05, 0.95, 2) * SIDE * SCALE
        blob(draw, x, y, random.uniform(1.2, 2.6) * SCALE, stain, random)
    if infected:
        inside = np.flatnonzero(((cells > 30) & (cells < SIDE * SCALE - 30)).all(1))
        for cell in random.choice(inside, min(len(inside), int(random.integers(1, 4))), replace=False):
            x, y = cells[cell] + random.normal(0, 0.25, 2) * radii[cell]
            ring(draw, x, y, random.uniform(3.0, 4.4) * SCALE, stain, random)
    pixels = np.asarray(picture.filter(ImageFilter.GaussianBlur(stain.blur)).resize((SIDE, SIDE), Image.Resampling.BOX))
    return Image.fromarray((pixels + random.normal(0, 5, pixels.shape)).clip(0, 255).astype(np.uint8))


def disc(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: Colour) -> None:
    """Draw a filled circle."""
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def blob(
    draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, stain: Stain, random: np.random.Generator
) -> None:
    """Draw a platelet: a few purple grains."""
    for _ in range(random.integers(3, 7)):
        dx, dy = random.normal(0, 0.6, 2) * radius
        disc(draw, x + dx, y + dy, radius * random.uniform(0.4, 0.8), stain(PURPLE, purple=True))


def ring(
    draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, stain: Stain, random: np.random.Generator
) -> None:
    """Draw a parasite: a thin purple ring with one dark dot on it."""
    box = (x - radius, y - radius, x + radius, y + radius)
    draw.ellipse(box, outline=stain(PURPLE, purple=True), width=round(random.uniform(2, 4)))
    angle = random.uniform(0, 2 * np.pi)
    disc(draw, x + radius * np.cos(angle), y + radius * np.sin(angle), 0.38 * radius, stain(PURPLE, purple=True))


def draw_splits(folder: Path, pictures: int = PICTURES) -> None:
    """Write so many pictures of every patient below a folder; the same number gives the same pictures."""
    random = np.random.default_rng(2026)
    for patient, split in enumerate(split for split, count in PATIENTS.items() for _ in range(count)):
        stain = Stain(random)
        for number in range(pictures):
            infected = number % 2
            file = folder / split / LABELS[infected] / f"patient{patient:03}-{number:02}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            draw_smear(stain, bool(infected), random).save(file)


def main() -> None:
    """Draw all splits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=PICTURES, help=f"of each patient (default: {PICTURES})")
    options = parser.parse_args()
    draw_splits(options.folder, options.pictures)


if __name__ == "__main__":
    main()
