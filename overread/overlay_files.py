"""Where the overlays of a command line's images are saved: no two images share a file."""

import os
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from PIL import Image

from overread.errors import InputError
from overread.image_files import STDIN


class OverlayFiles:
    """A file for the overlay of one image, or a folder for those of several."""

    def __init__(self, target: str, images: Sequence[Path]) -> None:
        """Plan the files and, where it is one, make the folder.

        Args:
            target: a file; or a folder, if it exists as one, ends with a slash, or there are several images.
            images: every image that will be answered, at least one.

        Raises:
            InputError: if the folder cannot be made.
        """
        self._in_folder = len(images) > 1 or target.endswith(("/", os.sep)) or Path(target).is_dir()
        self._files = _plan(Path(target), images) if self._in_folder else {images[0]: Path(target)}
        if self._in_folder:
            _make_folder(Path(target))

    def save(self, overlay: Image.Image, image: Path) -> None:
        """Save an image's overlay.

        Raises:
            InputError: if it cannot be saved there.
        """
        file = self._files[image]
        if self._in_folder:
            _make_folder(file.parent)
        try:
            overlay.save(file)
        except (OSError, ValueError) as error:  # ValueError: Pillow knows no format of that suffix
            hint = "" if file.suffix else "; a folder's name ends with /"
            raise InputError(f"The overlay cannot be saved as {file}: {error}{hint}") from error


def _plan(folder: Path, images: Sequence[Path]) -> dict[Path, Path]:
    """Return a file by image: below ``folder`` as the images lie below the folder that they have in common."""
    absolute = {image: image.absolute() for image in images if image != STDIN}
    common = os.path.commonpath([place.parent for place in absolute.values()]) if absolute else ""
    planned: dict[Path, Path] = {}
    taken: set[Path] = set()
    for image in images:
        below = absolute[image].relative_to(common) if image in absolute else Path("stdin")
        name = next(name for name in _names(below) if folder / below.with_name(name) not in taken)
        planned[image] = folder / below.with_name(name)
        taken.add(planned[image])
    return planned


def _names(image: Path) -> Iterator[str]:
    yield f"{image.stem}-overlay.png"
    yield f"{image.name}-overlay.png"  # film.png and film.jpg lie side by side
    yield from (f"{image.name}-overlay-{number}.png" for number in count(2))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be made: {error.strerror}.") from error
