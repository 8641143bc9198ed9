"""What the page is told of a slide that was sent, and what it shows of a finished scan, as JSON-ready dicts."""

from dataclasses import replace
from typing import Any

from PIL import Image

from overread.errors import RefusedImageError
from overread.images import decode
from overread.patches import is_one_patch
from overread.scale import given
from overread.scan import Plan, ScanResult
from overread.scan.headline import headline
from overread.scan.opening import open_slide
from overread.scan.resampled import Resampled
from ui.answering import picture_url
from ui.fields import Fields, described
from ui.slide_store import KeptSlide

PREVIEW = 512  # pixels
THUMBNAIL = 144  # pixels, for 72 on a screen with twice as many
MOST_REGIONS = 10


def look(kept: KeptSlide, fields: Fields, model: str, anyway: bool) -> dict[str, Any]:
    """Open a kept file and return what it is, as ``kind``.

    "patch": answer it as a picture, with ``mpp`` where it is not None: then only the slide's reader found the scale;
    "unknown scale": ask for it, with ``size`` and a ``preview``; "plan": see ``ui.fields.described``.

    Args:
        kept: with its file.
        fields: plans the scan.
        model: which model; empty: the default.
        anyway: ask for the scale also of what does not look like tissue.

    Raises:
        RefusedImageError: the file says no scale, and what it shows is no tissue.
        InputError: another subclass says what is wrong with the file.
    """
    slide = kept.slide = open_slide(kept.file)
    classifier = fields.classifier(model)
    region = classifier.config.region
    assert region
    if is_one_patch(slide.size, slide.scale, region):
        read_again = decode(kept.file).scale  # as the answer will; it knows fewer formats' scales
        return {"kind": "patch", "mpp": slide.scale.x if slide.scale and not read_again else None}
    if slide.scale is None:
        longer = max(1.0, max(slide.size) / PREVIEW)
        small = Resampled(slide, (longer, longer), Image.Resampling.BOX)
        preview = small.read(0, 0, *small.size)
        verdict = classifier.guard.judge(preview) if classifier.guard else None
        if verdict and verdict.outcome == "refused" and not anyway:
            raise RefusedImageError(verdict.refusal, verdict)
        return {"kind": "unknown scale", "size": list(slide.size), "preview": picture_url(preview)}
    return planned(kept, fields, model, None)


def planned(kept: KeptSlide, fields: Fields, model: str, mpp: float | None) -> dict[str, Any]:
    """Return "plan" or "patch" as ``look`` does, for a scale that the visitor gave or the file says.

    Raises:
        InputError: its subclasses say what is wrong with the scale, or that it is too much work.
    """
    region = fields.classifier(model).config.region
    assert region
    if mpp and is_one_patch(kept.opened.size, given(mpp), region):
        return {"kind": "patch", "mpp": mpp}
    kept.result = None
    plan, seconds = fields.plan(kept.opened, model, mpp)
    kept.plan = replace(plan, name=kept.file.name)
    return {"kind": "plan", **described(kept.plan, seconds)}


def patch_at(plan: Plan, x: float, y: float) -> Image.Image:
    """Return the patch that the model reads around a place of the slide, or as near to it as the border allows."""
    side = plan.grid.x.patch
    left, top = (
        min(max(0, round(place / factor - side / 2)), limit - side)
        for place, factor, limit in zip((x, y), plan.view.factor, plan.view.size, strict=True)
    )
    return plan.view.read(left, top, side, side)


def shown(result: ScanResult) -> dict[str, Any]:
    """Return a finished scan for the page: figures, a sentence, the most suspicious patches, the largest regions."""
    return {
        "summary": result.to_json(),
        "headline": headline(result),
        "suspicious": [
            {
                "rank": patch.rank,
                "box": list(patch.box),
                "probability": patch.prediction.probability,
                "reading": patch.prediction.reading.text,
                "picture": picture_url(patch.prediction.picture.resize((THUMBNAIL, THUMBNAIL), reducing_gap=2.0)),
            }
            for patch in result.suspicious
        ],
        "regions": [
            {
                "box": list(region.polygon.bounds),
                "tissue_mm2": region.tissue_mm2,
                "mean_probability": region.mean_probability,
                "largest_probability": region.largest_probability,
            }
            for region in result.regions[:MOST_REGIONS]
        ],
    }
