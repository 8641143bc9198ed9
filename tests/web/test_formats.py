"""Formats that browsers do not decode, or not whole: the page reads them, and answers as Python does."""

import io
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image
from playwright.sync_api import Page

from overread.catalogue import Domain
from tests.web.comparison import compare, default_net
from tests.web.visiting import answers, open_tab
from ui.examples import examples

Write = Callable[[Path], object]


def patch() -> Image.Image:
    with Image.open(examples("histopathology")[0].path) as opened:
        return opened.convert("RGB")


def film() -> np.ndarray:
    """Return a film's grey values, (H, W) uint16 of 12 bits, noise in the low bits."""
    with Image.open(examples("chest-xray")[0].path) as opened:
        grey = np.asarray(opened.convert("L").resize((640, 480)), np.uint16)
    return grey * 16 + np.random.default_rng(3).integers(0, 16, grey.shape, np.uint16)


def tiff(image: Image.Image, **options: object) -> Write:
    return lambda file: image.save(file, "TIFF", **options)


def patches() -> dict[str, Write]:
    """Return writers of one patch by name of the file."""
    image, pixels = patch(), np.asarray(patch())
    deep = pixels.astype(np.uint16) * 257
    opacity = np.full((*pixels.shape[:2], 1), 200, np.uint8)
    premultiplied = np.concatenate([(pixels.astype(np.uint16) * 200 // 255).astype(np.uint8), opacity], axis=2)
    orientation = Image.Exif()
    orientation[0x0112] = 6
    return {
        "raw.tif": tiff(image),
        "lzw.tif": tiff(image, compression="tiff_lzw"),
        "deflate.tif": tiff(image, compression="tiff_adobe_deflate"),
        "packbits.tif": tiff(image, compression="packbits"),
        "jpeg.tif": tiff(image, compression="jpeg", quality=90),
        "palette.tif": tiff(image.quantize(64)),
        "cmyk.tif": tiff(image.convert("CMYK")),
        "opacity.tif": tiff(Image.fromarray(np.concatenate([pixels, opacity], axis=2))),
        "turned.tif": tiff(image, exif=orientation),
        "two.tif": tiff(image, save_all=True, append_images=[image]),
        "fax.tif": tiff(image.convert("1"), compression="group4"),
        "tiled.tif": lambda file: tifffile.imwrite(
            file, pixels, tile=(32, 32), photometric="rgb", compression="zlib", predictor=True
        ),
        "tiled-jpeg.tif": lambda file: tifffile.imwrite(
            file, pixels, tile=(48, 48), photometric="rgb", compression="jpeg"
        ),
        "big-endian.tif": lambda file: tifffile.imwrite(file, pixels, byteorder=">", photometric="rgb"),
        "planes.tif": lambda file: tifffile.imwrite(
            file, np.moveaxis(pixels, 2, 0), photometric="rgb", planarconfig="separate"
        ),
        "deep.tif": lambda file: tifffile.imwrite(file, deep, photometric="rgb"),
        "premultiplied.tif": lambda file: tifffile.imwrite(
            file, premultiplied, photometric="rgb", extrasamples=["assocalpha"]
        ),
        "bigtiff.tif": lambda file: tifffile.imwrite(file, pixels, bigtiff=True, photometric="rgb"),
        "floats.tif": tiff(image.convert("F")),
        "cut.tif": lambda file: file.write_bytes(_bytes(image, "TIFF", compression="tiff_lzw")[:5000]),
        "nothing.tif": lambda file: file.write_bytes(b"II*\0" + bytes(60)),
        "colours16.png": lambda file: file.write_bytes(imagecodecs.png_encode(deep + 100)),
        "lossless.jp2": lambda file: image.save(file, "JPEG2000"),
        "lossy.jp2": lambda file: image.save(file, "JPEG2000", quality_mode="dB", quality_layers=[38]),
        "bare.j2k": lambda file: image.save(file, "JPEG2000", no_jp2=True),
        "opacity.jp2": lambda file: Image.fromarray(np.concatenate([pixels, opacity], axis=2)).save(file, "JPEG2000"),
        "cut.jp2": lambda file: file.write_bytes(_bytes(image, "JPEG2000")[:200]),
    }


def films() -> dict[str, Write]:
    """Return writers of one film by name of the file."""
    grey = film()
    image = Image.fromarray(grey)
    return {
        "12bits.png": lambda file: image.save(file),
        "16bits.png": lambda file: Image.fromarray(grey * 16).save(file),
        "opacity16.png": lambda file: file.write_bytes(
            imagecodecs.png_encode(np.stack([grey * 16, np.full_like(grey, 65535)], axis=2))
        ),
        "cut16.png": lambda file: file.write_bytes(_bytes(image, "PNG")[:9000]),
        "12bits.tif": tiff(image),
        "16bits.tif": tiff(Image.fromarray(grey * 16), compression="tiff_lzw"),
        "8bits.tif": tiff(Image.fromarray((grey // 16).astype(np.uint8))),
        "white-is-zero.tif": lambda file: tifffile.imwrite(
            file, (255 - grey // 16).astype(np.uint8), photometric="miniswhite"
        ),
        "wide.tif": lambda file: tifffile.imwrite(file, grey.astype(np.uint32) * 100, photometric="minisblack"),
        "grey-jpeg.tif": tiff(Image.fromarray((grey // 16).astype(np.uint8)), compression="jpeg"),
        "16bits.jp2": lambda file: Image.fromarray(grey * 16).save(file, "JPEG2000"),
        "8bits.jp2": lambda file: Image.fromarray((grey // 16).astype(np.uint8)).save(file, "JPEG2000"),
        "12bits.jp2": lambda file: file.write_bytes(
            imagecodecs.jpeg2k_encode(grey, bitspersample=12, codecformat="jp2", reversible=True)
        ),
    }


def _bytes(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("domain", ["histopathology", "chest-xray"])
def test_each_format_gets_pythons_answer_or_refusal(
    visitor: Page, address: str, domain: Domain, tmp_path: Path
) -> None:
    panel, classifier = open_tab(visitor, address, domain), default_net(domain)
    writers = patches() if domain == "histopathology" else films()
    files = [tmp_path / name for name in writers]
    for file in files:
        writers[file.name](file)
    wrong = {}
    for saved, file in zip(answers(visitor, panel, files), files, strict=True):
        if file.name in ("fax.tif", "opacity.jp2"):  # which Python's readers know, and those here do not
            assert saved.get("error", "").startswith("This is not a picture that can be read here")
            continue
        try:
            compare(saved, classifier, file)
        except AssertionError as error:
            wrong[file.name] = str(error)[:300]
    assert not wrong
