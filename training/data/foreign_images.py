"""Images that a model should refuse, as far as installed packages ship any: photographs, text, noise, other modalities.

Needs scikit-image, scikit-learn and pydicom, and reads nothing from the network. Draws are reproducible.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pydicom.data
import skimage.data
import sklearn.datasets
from PIL import Image, ImageDraw, ImageFont, ImageOps

from overread.errors import InputError
from overread.images import decode

Images = list[Image.Image]
Change = Callable[[Image.Image], Image.Image]

LONGEST_SIDE = 640  # pixels; larger files are reduced when read
CROPS = 120
SKIMAGE_PHOTOGRAPHS = (
    "astronaut", "brick", "camera", "chelsea", "clock_motion", "coffee", "coins", "color", "grass", "gravel",
    "hubble_deep_field", "moon", "motorcycle_left", "rocket",
)  # fmt: skip
SKIMAGE_GRAPHICS = ("chessboard_GRAY", "chessboard_RGB", "horse", "logo", "phantom")
CT_MR_ULTRASOUND = (
    "693_J2KI.dcm", "CT_small.dcm", "J2K_pixelrep_mismatch.dcm", "MR_small.dcm", "examples_overlay.dcm",
    "JPEG2000.dcm", "examples_palette.dcm", "examples_rgb_color.dcm", "examples_ybr_color.dcm",
)  # fmt: skip
WORDS = ("lung", "opacity", "normal", "report", "findings", "impression", "no", "acute", "disease", "heart", "limits")
FILM_CHANGES: dict[str, Change] = {
    "mirrored": ImageOps.mirror,
    "tilted by 8 degrees": lambda image: image.rotate(8, Image.Resampling.BICUBIC),
    "tilted by 15 degrees": lambda image: image.rotate(15, Image.Resampling.BICUBIC),
    "inverted greys": ImageOps.invert,
    "upside down": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "flipped top to bottom": ImageOps.flip,
    "on its left side": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "on its right side": lambda image: image.transpose(Image.Transpose.ROTATE_270),
}
PATCH_CHANGES: dict[str, Change] = {
    "mirrored": ImageOps.mirror,
    "turned by 180 degrees": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "magnified twice": lambda image: ImageOps.fit(image.crop((24, 24, 72, 72)), image.size),
    "magnified four times": lambda image: ImageOps.fit(image.crop((36, 36, 60, 60)), image.size),
    "without colour": lambda image: image.convert("L").convert("RGB"),
    "inverted": ImageOps.invert,
}


def foreign_sets() -> Iterator[tuple[str, Images]]:
    """Yield names and RGB images of sets that belong to neither domain."""
    photographs = _photographs()
    grey = [image.convert("L").convert("RGB") for image in photographs]
    yield "photographs", photographs
    yield "photographs, crops", crops(photographs)
    yield "photographs without colour", grey
    yield "photographs without colour, crops", crops(grey)
    yield "faces", _faces()
    yield "text and screenshots", [_page(number) for number in range(40)] + _skimage(("page", "text"))
    yield "graphics", _skimage(SKIMAGE_GRAPHICS)
    yield "noise", [_noise(number) for number in range(60)]
    yield "blank", [Image.new("RGB", (224, 224), (5 * level,) * 3) for level in range(52)]
    yield "gradients", [_gradient(number) for number in range(20)]
    yield "CT, MR, nuclear medicine, ultrasound", _dicom()
    yield "immunohistochemistry", crops(_skimage(("ihc",)), 40)
    yield "retina", [*_skimage(("retina", "microaneurysms")), *crops(_skimage(("retina",)), 15)]
    yield "fluorescence and phase contrast", [*_skimage(("cell",)), *crops(_skimage(("cell",)), 15)]


def slide_sets(slide: Path) -> Iterator[tuple[str, Images]]:
    """Yield fields of a stained slide of another organ, scanned at 0.5 µm per pixel, at four scales."""
    with Image.open(slide) as opened:
        whole = opened.convert("RGB")
    for side, name in ((96, "0.5 µm/px (20x)"), (187, "0.97 µm/px (10x)"), (384, "2 µm/px (5x)"), (768, "4 µm/px")):
        yield f"skin, stained alike, {name}", _fields(whole, side)


def folder_sets(folder: Path) -> Iterator[tuple[str, Images]]:
    """Yield the images in each sub-folder, under its name; files that are no images are left out."""
    for kind in sorted(path for path in folder.iterdir() if path.is_dir()):
        images = []
        for file in sorted(kind.iterdir()):
            try:
                images.append(decode(file).picture)
            except InputError:
                continue
        yield kind.name, images


def crops(images: Images, count: int = CROPS) -> Images:
    """Return square crops of a quarter to two thirds of the shorter side, at least 64 px."""
    draw = random.Random(0)
    found: Images = []
    for number in range(count):
        image = images[number % len(images)]
        side = min(max(64, int(draw.choice((0.25, 0.4, 0.65)) * min(image.size))), *image.size)
        left, top = draw.randrange(image.width - side + 1), draw.randrange(image.height - side + 1)
        found.append(image.crop((left, top, left + side, top + side)))
    return found


def _photographs() -> Images:
    return _skimage(SKIMAGE_PHOTOGRAPHS) + [
        Image.fromarray(image) for image in sklearn.datasets.load_sample_images().images
    ]


def _skimage(names: tuple[str, ...]) -> Images:
    """Return images that the wheel ships; ``skimage.data`` itself would download others."""
    folder = Path(skimage.data.__file__).parent
    images = []
    for name in names:
        file = next(file for file in sorted(folder.glob(f"{name}.*")) if file.suffix in (".png", ".jpg"))
        image = decode(file).picture
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        images.append(image)
    return images


def _faces() -> Images:
    values = np.load(Path(skimage.data.__file__).parent / "lfw_subset.npy")[:100:2]  # the second hundred are no faces
    faces = (np.clip(values, 0, 1) * 255).astype(np.uint8)
    return [Image.fromarray(face).resize((200, 200), Image.Resampling.BICUBIC).convert("RGB") for face in faces]


def _page(number: int) -> Image.Image:
    """Return lines of words on a light or, every fourth time, dark page; every third has coloured boxes."""
    draw = random.Random(number)
    size = draw.choice(((400, 400), (640, 480), (480, 640)))
    page, ink = ((20, 20, 25), (230, 230, 230)) if number % 4 == 0 else ((255, 255, 255), (0, 0, 0))
    image = Image.new("RGB", size, page)
    canvas, font_size, line = ImageDraw.Draw(image), draw.choice((12, 18, 28)), 8
    for _ in range(6 if number % 3 == 0 else 0):
        left, top = draw.randrange(size[0]), draw.randrange(size[1])
        box = (left, top, left + draw.randrange(20, 200), top + draw.randrange(10, 120))
        canvas.rectangle(box, fill=tuple(draw.randrange(256) for _ in range(3)))
    while line < size[1] - 20:
        canvas.text((8, line), " ".join(draw.choices(WORDS, k=9)), ink, ImageFont.load_default(font_size))
        line += int(font_size * 1.5)
    return image


def _noise(number: int) -> Image.Image:
    """Return uniform or normal noise, grey or coloured; every fifth is smooth."""
    random_state = np.random.default_rng(number)
    channels = 3 if number % 2 else 1
    if number % 3:
        values = random_state.uniform(0, 255, (224, 224, channels))
    else:
        values = random_state.normal(128, (10, 30, 60)[number // 3 % 3], (224, 224, channels))
    pixels = np.broadcast_to(np.clip(values, 0, 255).astype(np.uint8), (224, 224, 3))
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return image.resize((28, 28)).resize((224, 224), Image.Resampling.BICUBIC) if number % 5 == 0 else image


def _gradient(number: int) -> Image.Image:
    """Return a linear or radial gradient of some contrast."""
    down, across = np.mgrid[0:224, 0:224] / 223
    shape = (down, across)[number % 2] if number < 8 else 1.4 * np.hypot(down - 0.5, across - 0.5)
    grey = np.clip((shape if number % 4 < 2 else 1 - shape) * (1.0, 0.5, 0.3)[number % 3], 0, 1)
    return Image.fromarray((255 * grey).astype(np.uint8)).convert("RGB")


def _dicom() -> Images:
    folder = Path(pydicom.data.__file__).parent / "test_files"
    return [decode(folder / name).picture for name in CT_MR_ULTRASOUND]


def _fields(slide: Image.Image, side: int, count: int = 60) -> Images:
    """Return square fields that are not mostly glass, at 96 px."""
    draw = random.Random(side)
    found: Images = []
    while len(found) < count:
        left, top = draw.randrange(slide.width - side + 1), draw.randrange(slide.height - side + 1)
        field = slide.resize((96, 96), Image.Resampling.BICUBIC, (left, top, left + side, top + side))
        if np.asarray(field.convert("L")).mean() < 225:
            found.append(field)
    return found
