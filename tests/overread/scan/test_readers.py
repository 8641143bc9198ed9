from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from overread.errors import CorruptImageError, EmptyImageError, ImageTooLargeError, UnsupportedImageError
from overread.scale import Scale
from overread.scan import tiff_reader
from overread.scan.opening import open_slide
from overread.scan.slide import WholeImage
from overread.scan.tiff_reader import TiffSlide

RECTANGLES = [(0, 0, 130, 97), (100, 50, 64, 64), (3, 5, 1, 1), (0, 0, 333, 217), (332, 216, 1, 1)]
Field = Callable[[int, int], Image.Image]


@pytest.fixture
def no_file_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_reader, "WHOLE_PIXELS", 0)


@pytest.mark.usefixtures("no_file_is_small")
@pytest.mark.parametrize(
    "layout",
    [
        {"rowsperstrip": 16},
        {"rowsperstrip": 16, "bigtiff": True},
        {"rowsperstrip": 50, "compression": "zlib"},
        {"rowsperstrip": 7, "compression": "lzw", "predictor": True},
        {"rowsperstrip": 16, "byteorder": ">"},
    ],
)
def test_any_rectangle_of_a_tiff_in_strips_has_its_own_pixels(field: Field, tmp_path: Path, layout: dict) -> None:
    pixels = np.asarray(field(333, 217))
    file_options = {key: layout.pop(key) for key in ("bigtiff", "byteorder") if key in layout}
    with tifffile.TiffWriter(tmp_path / "field.tif", **file_options) as writer:
        writer.write(pixels, photometric="rgb", **layout)
    slide = open_slide(tmp_path / "field.tif")
    assert isinstance(slide, TiffSlide) and slide.size == (333, 217)
    for x, y, width, height in RECTANGLES:
        assert (np.asarray(slide.read(0, x, y, width, height)) == pixels[y : y + height, x : x + width]).all()
    slide.close()


@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_a_tiled_tiff_goes_to_openslide_with_its_own_pixels(field: Field, tmp_path: Path, compression: str) -> None:
    pixels = np.asarray(field(333, 217))
    tifffile.imwrite(
        tmp_path / "field.tif",
        pixels,
        photometric="rgb",
        tile=(64, 64),
        compression=compression,
        resolution=(20_000, 20_000),
        resolutionunit="CENTIMETER",
    )
    slide = open_slide(tmp_path / "field.tif")
    assert slide.size == (333, 217) and slide.scale is not None and slide.scale.x == pytest.approx(0.5)
    for x, y, width, height in RECTANGLES:
        assert (np.asarray(slide.read(0, x, y, width, height)) == pixels[y : y + height, x : x + width]).all()
    slide.close()


@pytest.mark.usefixtures("no_file_is_small")
def test_pyramid_levels_of_a_tiff_are_found(field: Field, tmp_path: Path) -> None:
    full = field(400, 300)
    half = full.resize((200, 150))
    with tifffile.TiffWriter(tmp_path / "field.tif") as writer:
        writer.write(np.asarray(full), photometric="rgb", rowsperstrip=32, subifds=1)
        writer.write(np.asarray(half), photometric="rgb", rowsperstrip=32, subfiletype=1)
    slide = open_slide(tmp_path / "field.tif")
    assert slide.downsamples == (1.0, 2.0) and slide.level_size(1) == (200, 150)
    assert (np.asarray(slide.read(1, 10, 20, 30, 40)) == np.asarray(half.crop((10, 20, 40, 60)))).all()
    slide.close()


@pytest.mark.usefixtures("no_file_is_small")
def test_grey_becomes_rgb_and_sixteen_bits_are_refused(tmp_path: Path) -> None:
    grey = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)
    tifffile.imwrite(tmp_path / "grey.tif", grey)
    assert (np.asarray(open_slide(tmp_path / "grey.tif").read(0, 0, 0, 64, 64)) == grey[..., None]).all()
    tifffile.imwrite(tmp_path / "deep.tif", grey.astype(np.uint16))
    with pytest.raises(UnsupportedImageError, match="8-bit RGB"):
        open_slide(tmp_path / "deep.tif")


@pytest.mark.usefixtures("no_file_is_small")
def test_one_strip_that_is_too_large_to_decode_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_reader, "MAX_SEGMENT_BYTES", 10_000)
    tifffile.imwrite(tmp_path / "block.tif", np.zeros((100, 100, 3), np.uint8), photometric="rgb")
    with pytest.raises(ImageTooLargeError, match="tiled TIFF"):
        open_slide(tmp_path / "block.tif")


@pytest.mark.usefixtures("no_file_is_small")
def test_the_cache_of_decoded_strips_stays_within_its_bound(
    field: Field, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiff_reader, "CACHE_BYTES", 3 * 16 * 333 * 3)
    tifffile.imwrite(tmp_path / "field.tif", np.asarray(field(333, 217)), photometric="rgb", rowsperstrip=16)
    slide = open_slide(tmp_path / "field.tif")
    assert isinstance(slide, TiffSlide)
    slide.read(0, 0, 0, 333, 217)
    assert 1 <= len(slide._cache) <= 3
    slide.close()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"resolution": (10_000 / 0.25, 10_000 / 0.5), "resolutionunit": "CENTIMETER"},
            Scale(0.25, 0.5, "TIFF resolution tags"),
        ),
        ({"resolution": (25_400, 25_400), "resolutionunit": "INCH"}, Scale(1.0, 1.0, "TIFF resolution tags")),
        ({"resolution": (72, 72), "resolutionunit": "INCH"}, None),
        ({}, None),
        ({"imagej": True, "resolution": (4, 4), "metadata": {"unit": "um"}}, Scale(0.25, 0.25, "ImageJ's resolution")),
        (
            {"ome": True, "metadata": {"PhysicalSizeX": 500, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.25}},
            Scale(0.5, 0.25, "OME PhysicalSize"),
        ),
    ],
)
def test_a_tiffs_scale_is_read(field: Field, tmp_path: Path, options: dict, expected: Scale | None) -> None:
    tifffile.imwrite(tmp_path / "field.tif", np.asarray(field(100, 100)), photometric="rgb", **options)
    scale = open_slide(tmp_path / "field.tif").scale
    if expected is None:
        assert scale is None
    else:
        assert scale is not None and scale.source == expected.source
        assert (scale.x, scale.y) == pytest.approx((expected.x, expected.y), rel=1e-3)


def test_png_and_jpeg_are_decoded_whole_with_their_scale(field: Field, tmp_path: Path) -> None:
    image = field(120, 100)
    image.save(tmp_path / "a.png", dpi=(25_400 / 0.5,) * 2)
    image.save(tmp_path / "a.jpg")
    png, jpeg = open_slide(tmp_path / "a.png"), open_slide(tmp_path / "a.jpg")
    assert isinstance(png, WholeImage) and png.size == (120, 100)
    assert png.scale is not None and png.scale.x == pytest.approx(0.5, rel=1e-3)
    assert (np.asarray(png.read(0, 10, 20, 30, 40)) == np.asarray(image.crop((10, 20, 40, 60)))).all()
    assert isinstance(jpeg, WholeImage) and jpeg.scale is None


def test_what_is_no_image_is_refused_in_words(field: Field, tmp_path: Path) -> None:
    (tmp_path / "empty.svs").write_bytes(b"")
    with pytest.raises(EmptyImageError, match="empty"):
        open_slide(tmp_path / "empty.svs")
    (tmp_path / "text.svs").write_text("not a slide " * 100)
    with pytest.raises(UnsupportedImageError, match="whole-slide"):
        open_slide(tmp_path / "text.svs")
    with pytest.raises(UnsupportedImageError, match="No such file"):
        open_slide(tmp_path / "missing.svs")
    tifffile.imwrite(tmp_path / "cut.tif", np.asarray(field(300, 300)), photometric="rgb")
    (tmp_path / "cut.tif").write_bytes((tmp_path / "cut.tif").read_bytes()[:6])
    with pytest.raises(CorruptImageError, match="damaged"):
        open_slide(tmp_path / "cut.tif")


@pytest.mark.usefixtures("no_file_is_small")
def test_a_tiff_that_is_cut_off_fails_where_it_is_read(field: Field, tmp_path: Path) -> None:
    path = tmp_path / "field.tif"
    tifffile.imwrite(path, np.asarray(field(333, 217)), photometric="rgb", rowsperstrip=16, compression="zlib")
    path.write_bytes(path.read_bytes()[:-2000])
    slide = open_slide(path)
    with pytest.raises(CorruptImageError, match="damaged at"):
        slide.read(0, 0, 0, 333, 217)
    slide.close()
