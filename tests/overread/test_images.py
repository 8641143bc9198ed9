import contextlib
import hashlib
import io
import struct
import tracemalloc
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overread import images
from overread.errors import (
    CorruptImageError,
    EmptyImageError,
    ImageTooLargeError,
    ImageTooSmallError,
    InputError,
    UnsupportedImageError,
)
from overread.images import decode

RAMP = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)  # 0..4095: twelve bits
COLOURS = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that declares a size and holds almost no pixels, as a decompression bomb does."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    packed = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


BAD = {
    "zero bytes": (b"", EmptyImageError, "empty"),
    "not an image": (b"hello, I am a text file" * 20, UnsupportedImageError, "send PNG, JPEG"),
    "an executable": (b"\x7fELF" + bytes(500), UnsupportedImageError, "send PNG, JPEG"),
    "svg": (
        b"<svg xmlns='http://www.w3.org/2000/svg' width='64' height='64'/>",
        UnsupportedImageError,
        "send PNG, JPEG",
    ),
    "truncated png": (encoded(Image.fromarray(COLOURS), "PNG")[:-2000], CorruptImageError, "damaged or cut off"),
    "truncated jpeg": (encoded(Image.fromarray(COLOURS), "JPEG")[:-600], CorruptImageError, "damaged or cut off"),
    "1x1 pixel": (encoded(Image.new("RGB", (1, 1)), "PNG"), ImageTooSmallError, "1 x 1 px"),
    "a line of pixels": (encoded(Image.new("RGB", (4000, 3)), "PNG"), ImageTooSmallError, "4000 x 3 px"),
    "bomb of 100 megapixels": (png_header(10_000, 10_000), ImageTooLargeError, "64 megapixels"),
    "bomb of 900 megapixels": (png_header(30_000, 30_000), ImageTooLargeError, "64 megapixels"),
    "truncated, opened by the caller": (
        Image.open(io.BytesIO(encoded(Image.fromarray(COLOURS), "PNG")[:-2000])),
        CorruptImageError,
        "damaged or cut off",
    ),
    "50 MB": (b"\xff\xd8\xff" + bytes(50 * 2**20), ImageTooLargeError, "32 MB"),
    "float pixels": (
        encoded(Image.fromarray(RAMP.astype(np.float32)), "TIFF"),
        UnsupportedImageError,
        "floating-point",
    ),
    "32-bit grey": (encoded(Image.fromarray(RAMP.astype(np.int32) * 99), "TIFF"), UnsupportedImageError, "0..65535"),
    "missing file": (Path("nowhere.png"), UnsupportedImageError, "no file 'nowhere.png'"),
    "a folder": (Path(), UnsupportedImageError, "no file"),
    "a number": (5, UnsupportedImageError, "A int is no image"),
    "float array": (np.zeros((64, 64)), UnsupportedImageError, "must be uint8"),
    "four dimensions": (np.zeros((1, 64, 64, 3), np.uint8), UnsupportedImageError, "must be uint8"),
    "DICOM header only": (bytes(128) + b"DICM" + b"garbage" * 9, (CorruptImageError, UnsupportedImageError), "DICOM"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_answered_with_one_sentence(case: str) -> None:
    source, kind, words = BAD[case]
    with pytest.raises(kind, match=words) as caught:
        decode(source)
    assert "\n" not in str(caught.value)


def test_bombs_are_refused_before_their_pixels_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded"))
    with pytest.raises(ImageTooLargeError):
        decode(png_header(10_000, 10_000))


def rgb(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))


def over_white(rgba: np.ndarray) -> np.ndarray:
    alpha = rgba[..., 3:].astype(np.float64) / 255
    return np.round(rgba[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)


TRANSLUCENT = np.dstack([COLOURS, np.linspace(0, 255, 64 * 48).reshape(64, 48).astype(np.uint8)])
PALETTE = Image.fromarray(COLOURS).quantize(16)
CMYK = Image.fromarray(np.dstack([COLOURS, COLOURS[..., :1] // 3]), "CMYK")
GREY_12 = np.round(RAMP / 4095 * 255)[..., None].repeat(3, 2)
GREY_16 = np.round(RAMP * 16 / 65535 * 255)[..., None].repeat(3, 2)
BITS = COLOURS[..., :1] > 99
CONVERTED = {
    "png": (encoded(Image.fromarray(COLOURS), "PNG"), COLOURS, None),
    "8-bit grey": (encoded(Image.fromarray(COLOURS[..., 0]), "PNG"), np.repeat(COLOURS[..., :1], 3, 2), None),
    "1 bit": (encoded(Image.fromarray(BITS[..., 0]), "PNG"), np.repeat(BITS, 3, 2) * 255, None),
    "palette": (encoded(PALETTE, "PNG"), rgb(PALETTE), None),
    "alpha": (encoded(Image.fromarray(TRANSLUCENT), "PNG"), over_white(TRANSLUCENT), "laid over white"),
    "opaque alpha": (encoded(Image.fromarray(COLOURS).convert("RGBA"), "PNG"), COLOURS, None),
    "CMYK": (encoded(CMYK, "TIFF"), rgb(CMYK), None),
    "12-bit grey": (encoded(Image.fromarray(RAMP), "PNG"), GREY_12, "12 bits"),
    "16-bit grey": (encoded(Image.fromarray(RAMP * 16), "PNG"), GREY_16, "16 bits"),
    "array": (COLOURS, COLOURS, None),
    "grey array": (COLOURS[..., 1], np.repeat(COLOURS[..., 1:2], 3, 2), None),
}


@pytest.mark.parametrize("case", CONVERTED)
def test_every_kind_of_pixel_becomes_rgb(case: str) -> None:
    source, expected, words = CONVERTED[case]
    decoded = decode(source)
    assert decoded.picture.mode == "RGB"
    np.testing.assert_allclose(np.asarray(decoded.picture), expected, atol=1)
    assert words in " ".join(decoded.notes) if words else decoded.notes == ()


def test_animation_is_read_at_its_first_frame() -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue", "green")]
    decoded = decode(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert decoded.picture.getpixel((9, 9)) == (255, 0, 0)
    assert "3 frames" in decoded.notes[0]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int) -> None:
    upright = COLOURS
    # EXIF 2.32, tag 0x0112: which row and column of the scene the file's first row and column show.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode(encoded(Image.fromarray(np.ascontiguousarray(stored)), "PNG", exif=exif))
    np.testing.assert_array_equal(np.asarray(decoded.picture), upright)


def test_path_bytes_file_picture_and_array_give_the_same_pixels(tmp_path: Path) -> None:
    data = encoded(Image.fromarray(COLOURS), "PNG")
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    for source in (path, str(path), data, io.BytesIO(data), Image.open(path), COLOURS):
        np.testing.assert_array_equal(np.asarray(decode(source).picture), COLOURS)


def test_an_image_is_identified_by_its_file_or_else_by_its_pixels(tmp_path: Path) -> None:
    data = encoded(Image.fromarray(COLOURS), "PNG")
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    of_file = (hashlib.sha256(data).hexdigest(), "file")
    for source in (path, str(path), data, io.BytesIO(data)):
        decoded = decode(source)
        assert (decoded.sha256, decoded.sha256_of) == of_file
    # 48 x 64 pixels: width and height in 4 bytes each, then the rows
    of_pixels = (hashlib.sha256(b"\0\0\0\x30\0\0\0\x40" + COLOURS.tobytes()).hexdigest(), "pixels")
    for source in (Image.open(path), COLOURS, Image.fromarray(COLOURS).convert("RGBA")):
        decoded = decode(source)
        assert (decoded.sha256, decoded.sha256_of) == of_pixels
    turned = np.ascontiguousarray(COLOURS.reshape(48, 64, 3))  # the same bytes in another shape
    assert decode(turned).sha256 != of_pixels[0]


def test_no_warning_filter_of_the_process_is_changed() -> None:
    before = list(warnings.filters)
    with pytest.raises(ImageTooLargeError):
        decode(png_header(10_000, 10_000))
    assert warnings.filters == before


def test_a_bomb_is_refused_without_a_warning_even_where_warnings_are_errors() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageTooLargeError, match="64 megapixels"):
            decode(png_header(10_000, 10_000))


def test_a_file_that_claims_another_format_is_read_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "really-a-png.jpg"
    path.write_bytes(encoded(Image.fromarray(COLOURS), "PNG"))
    np.testing.assert_array_equal(np.asarray(decode(path).picture), COLOURS)


def test_random_bytes_after_a_magic_number_raise_input_errors_only() -> None:
    random = np.random.default_rng(1)
    starts = [
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        b"GIF89a",
        b"II*\0",
        b"BM",
        b"RIFF\0\0\1\0WEBPVP8 ",
        b"P6\n64 64\n255\n",
    ]
    for start in [*starts, bytes(128) + b"DICM"]:
        for length in (5, 60, 900):
            with pytest.raises((CorruptImageError, UnsupportedImageError, ImageTooLargeError, ImageTooSmallError)):
                decode(start + random.bytes(length))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP"])
def test_damaged_bytes_raise_input_errors_only(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = encoded(Image.fromarray(COLOURS), kind, **({"exif": exif} if kind in ("JPEG", "TIFF", "WEBP") else {}))
    random = np.random.default_rng(len(whole))
    for _ in range(300):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), 4):
            damaged[place] = random.integers(256)
        with contextlib.suppress(InputError):
            assert decode(bytes(damaged)).picture.mode == "RGB"


def test_16_bit_images_are_converted_without_a_float_copy() -> None:
    side = 4000
    deep = Image.fromarray(np.tile(np.arange(side, dtype=np.uint16) * 16, (side, 1)))
    tracemalloc.start()
    decode(deep)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * side * side  # bytes; two for the values, one for the grey, and room


def test_limits_are_what_the_readme_says() -> None:
    assert (images.MAX_FILE_BYTES, images.MAX_PIXELS, images.MIN_SIDE) == (32 * 2**20, 64_000_000, 32)


def test_an_image_without_colour_stays_in_one_channel_where_that_is_wanted() -> None:
    grey = Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 90), np.uint8))
    stored = {"L": grey, "RGB": grey.convert("RGB"), "RGBA": grey.convert("RGBA")}
    for image in stored.values():
        decoded, usual = decode(encoded(image, "PNG"), keep_grey=True), decode(encoded(image, "PNG"))
        assert (decoded.picture.mode, usual.picture.mode) == ("L", "RGB") and decoded.sha256 == usual.sha256
        np.testing.assert_array_equal(np.asarray(decoded.picture.convert("RGB")), np.asarray(usual.picture))
    coloured = grey.convert("RGB")
    coloured.putpixel((7, 5), (1, 2, 3))  # between the pixels of the sample
    assert decode(encoded(coloured, "PNG"), keep_grey=True).picture.mode == "RGB"
