"""The synthetic example pictures of the tabs: which are drawn, and the command that writes them.

    python -m examples.phantoms     writes examples/histopathology/*.png, examples/chest-xray/*.png, captions.json

They let the app be tried without anybody's data. Each is a drawing, so its caption says what was drawn and never what a
reader should answer. Real pictures: `python -m examples.fetch_real`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from examples.chest_phantom import Opacity, chest
from examples.tissue_phantom import (
    fat_patch,
    lymphoid_patch,
    metastasis_patch,
    stroma_patch,
    tumour_nest_patch,
)

FOLDER = Path(__file__).parent
CAPTIONS = "captions.json"


@dataclass(frozen=True)
class Phantom:
    """One example picture: where it lies below its domain's folder, what was drawn, and the function that draws it."""

    name: str
    domain: str  # 'histopathology' or 'chest-xray'
    caption: str
    draw: Callable[[], Image.Image]

    @property
    def file(self) -> str:
        """Return the path below examples/, with forward slashes."""
        return f"{self.domain}/{self.name}"

    def entry(self) -> dict[str, str]:
        """Return the phantom as it stands in captions.json."""
        return {"file": self.file, "domain": self.domain, "caption": f"synthetic phantom: {self.caption}"}


def _patch(name: str, caption: str, draw: Callable[[int], Image.Image], seed: int) -> Phantom:
    return Phantom(name, "histopathology", caption, partial(draw, seed))


def _film(name: str, caption: str, opacity: Opacity, seed: int) -> Phantom:
    return Phantom(name, "chest-xray", caption, partial(chest, seed, opacity))


PHANTOMS = (
    _patch("lymphoid.png", "densely packed small round nuclei, as in lymphoid tissue", lymphoid_patch, 3),
    _patch("large-nuclei.png", "large irregular pale nuclei with nucleoli over the whole centre", metastasis_patch, 3),
    _patch("nest.png", "a nest of large cells in the centre, small round nuclei around it", tumour_nest_patch, 0),
    _patch("collagen.png", "wavy collagen fibres with a few spindle-shaped nuclei", stroma_patch, 3),
    _patch("fat.png", "fat cells beside a band of small round nuclei", fat_patch, 3),
    _film("clear-1.png", "a frontal chest of broad build with clear lungs", "none", 12),
    _film("clear-2.png", "a frontal chest of narrow build with clear lungs", "none", 10),
    _film("right-lower.png", "an opacity in the patient's right lower zone (left in the picture)", "right-lower", 13),
    _film("left-mid.png", "an opacity in the patient's left mid zone (right in the picture)", "left-mid", 11),
    _film("bilateral.png", "patchy opacities scattered over both lungs", "bilateral", 14),
)


def write_all(folder: Path = FOLDER) -> list[Path]:
    """Draw every phantom below `folder`, write captions.json beside them, and return the pictures' paths."""
    paths = [folder / phantom.file for phantom in PHANTOMS]
    for phantom, path in zip(PHANTOMS, paths, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        phantom.draw().save(path, optimize=True)
    entries = [phantom.entry() for phantom in PHANTOMS]
    (folder / CAPTIONS).write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return paths


def main() -> None:
    """Write the set below examples/ and say what was written."""
    for path in write_all():
        print(f"{path}  {path.stat().st_size / 1024:.0f} KiB")


if __name__ == "__main__":
    main()
