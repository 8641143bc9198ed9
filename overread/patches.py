"""The patch that a model of patches reads out of an image: found by the image's scale, or by its size."""

from dataclasses import replace

from PIL import Image

from overread.errors import ImageTooSmallError, LargerThanPatchError, UnknownScaleError
from overread.images import DecodedImage
from overread.model_folder import Region
from overread.scale import Scale, given

SLACK_PX = 32  # an image of up to this much more than a patch a side is one: its centre is read
SAME_SCALE = 0.1  # what scanners call 10x differs by that much: resampling would only blur it
OBJECTIVES = "40x is about 0.25, 20x 0.5, 10x 1"


def patch_of(image: DecodedImage, region: Region, mpp: float | None = None, squash: bool = False) -> DecodedImage:
    """Return the image with the patch that is to be read as its picture, and notes on how it was found.

    Args:
        image: a decoded image.
        region: the side and the scale of the model's patches.
        mpp: um/px; default: what the file says.
        squash: take the whole image for one patch, whatever its scale; the net squashes it to its input.

    Raises:
        UnknownScaleError: the scale is neither given nor in the file, and the image has not a patch's size.
        LargerThanPatchError: at its scale the image covers more than a patch.
        ImageTooSmallError: at its scale the image covers less than a patch.
    """
    if squash:
        return replace(image, notes=(*image.notes, *_squashed(image.picture, region)))
    scale = given(mpp) if mpp else image.scale
    if scale is None:
        return _assumed(image, region)
    factor, size = _at_model_scale(image.picture.size, scale, region)
    side_um = region.patch_px * region.spacing_um_per_px
    if min(size) < region.patch_px:
        raise ImageTooSmallError(f"At {scale} the picture covers less than the {side_um:.0f} µm a side of one patch.")
    if not _is_patch(size, region):
        raise LargerThanPatchError(
            f"At {scale} the picture covers {image.picture.width * scale.x:.0f} x {image.picture.height * scale.y:.0f} "
            f"µm and one patch {side_um:.0f}: scan it (/scan_field of the app, or `overread scan`)."
        )
    picture = image.picture
    if factor != (1.0, 1.0):
        right, lower = (min(of, side * step) for of, side, step in zip(picture.size, size, factor, strict=True))
        picture = picture.resize(size, Image.Resampling.BICUBIC, box=(0, 0, right, lower))
    done = "the model's is" if picture is image.picture else "read at"
    return _centred(image, picture, region, f"Scale: {scale}; {done} {region.spacing_um_per_px} µm/px.")


def is_one_patch(size: tuple[int, int], scale: Scale | None, region: Region) -> bool:
    """Return whether ``patch_of`` would read an image of that size; ``scale`` is None where nobody says it."""
    return _is_patch(_at_model_scale(size, scale, region)[1] if scale else size, region)


def _at_model_scale(size: tuple[int, int], scale: Scale, region: Region) -> tuple[tuple[float, float], tuple[int, int]]:
    """Return pixels of the image per pixel at the model's scale, and the size there, both (across, down)."""
    factor = region.spacing_um_per_px / scale.x, region.spacing_um_per_px / scale.y
    if all(abs(value - 1) <= SAME_SCALE for value in factor):
        factor = 1.0, 1.0
    # What an image covers in part at its right and lower border is left out, as in a scan.
    width, height = (max(1, int(side / value + 0.01)) for side, value in zip(size, factor, strict=True))
    return factor, (width, height)


def _is_patch(size: tuple[int, ...], region: Region) -> bool:
    return all(region.patch_px <= side < region.patch_px + SLACK_PX for side in size)


def assumed_scale(size: tuple[int, int], region: Region) -> Scale:
    """Return the model's own scale for an image of about a patch's size whose file says none.

    Raises:
        UnknownScaleError: if the image has another size.
    """
    if not _is_patch(size, region):
        raise UnknownScaleError(
            f"The file does not say its scale, and {size[0]} x {size[1]} px are no patch of {region.patch_px} px: "
            f"give its micrometres per pixel, mpp ({OBJECTIVES})."
        )
    spacing = region.spacing_um_per_px
    return Scale(spacing, spacing, f"assumed: an image of {size[0]} x {size[1]} px is taken for a patch")


def _assumed(image: DecodedImage, region: Region) -> DecodedImage:
    scale = assumed_scale(image.picture.size, region)
    exact = image.picture.size == (region.patch_px, region.patch_px)
    return _centred(image, image.picture, region, "" if exact else f"Scale: {scale}.")


def _centred(image: DecodedImage, picture: Image.Image, region: Region, note: str) -> DecodedImage:
    side = region.patch_px
    notes = [note] if note else []
    if picture.size != (side, side):
        left, top = (picture.width - side) // 2, (picture.height - side) // 2
        notes.append(f"The centre of {side} x {side} px, out of {picture.width} x {picture.height}, was read.")
        picture = picture.crop((left, top, left + side, top + side))
    return replace(image, picture=picture, notes=(*image.notes, *notes))


def _squashed(picture: Image.Image, region: Region) -> tuple[str, ...]:
    if picture.size == (region.patch_px, region.patch_px):
        return ()
    return (
        f"The picture is {picture.width} x {picture.height} px and was squashed to {region.patch_px} x "
        f"{region.patch_px} px, as asked; the model knows patches at {region.spacing_um_per_px} µm/px, so cells may "
        "look too small or too large to it.",
    )
