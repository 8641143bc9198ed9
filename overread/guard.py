"""Whether an image is of the kind that a model learned from: accepted, unfamiliar or refused, and why.

A guard belongs to a kind of images, not to a net: it reads the statistics of the pixels, asks of a film where its lungs
are, and runs before any net that answers. Every model of a domain, ensembles included, has the same one in its folder,
fitted by ``python -m training fit-guard``.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from overread.dicom_tags import FRONTAL_VIEWS, DicomTags
from overread.pixel_statistics import SIDE, PixelStatistics, pixel_statistics

# Hasler and Süsstrunk (2003), table 2, call 15 slightly and 45 averagely to quite colourful.
TINTED, COLOURFUL = 15.0, 45.0
GREY = 1.0
UPSIDE_DOWN = 1.5  # upside down, the image must be nearer by this factor; upright ones never are, see the model card

Outcome = Literal["accepted", "unfamiliar", "refused"]
Part = Literal["grey", "colour", "layout"]
Floats = npt.NDArray[np.floating]

# By code. Also what the models' page in a browser says, which judges by the same rules (web/src/core/guard.ts).
REASONS = {
    "modality": "The DICOM file holds {seen}, not {subject}.",
    "body-part": "The DICOM file is of {seen}, not of {body_part}.",
    "view": "The view is {view}; the model learned from frontal films.",
    "age": "The patient's age is {age} years; the model learned from patients of {youngest} to {oldest} years.",
    "age-and-view": "The patient's age is {age} years and the view is {view}; the model learned from patients of "
    "{youngest} to {oldest} years.",
    "blank": "The image is almost blank.",
    "upside-down": "The image is upside down: turn it.",
    "sideways": "The image lies on its side: turn it.",
    "inverted-greys": "The greys are inverted: light is dark and dark is light.",
    "tinted": "The image is tinted; the model learned from grey ones.",
    "unlike-learned": "This is unlike most images that the model learned from.",
    "other-kind": "This looks like {seen}, not {subject}.",
    "colour": "This looks like a colour photograph, not {subject}.",
    "grey": "This is an image without colour, not {subject}.",
    "other": "This does not look like {subject}.",
    "no-lungs": "No lungs can be seen in this picture.",
}
# Share of the picture: half of the 0.5 % quantile of the validation films, damaged ones included.
LEAST_LUNGS = 0.10
HOW_TO_GET_AN_ANSWER = "No answer was given: answer_anyway gets one, with this warning."
ANSWERED_ANYWAY = "Answered anyway, as requested: the answer may mean nothing."


@dataclass(frozen=True)
class Verdict:
    """What the guard says about one image.

    Attributes:
        outcome: "accepted"; "unfamiliar": of the right kind but unlike what the model learned from, so that the answer
            needs a warning; "refused": not of the kind that the model reads.
        code: a stable name of the reason for programs, such as "inverted-greys"; "" where accepted.
        reason: one or two sentences for people that name what was seen; "" where accepted.
        distance: squared Mahalanobis distance to the nearest kind that the model learned from, in units of its familiar
            limit: from 1 on an image is unfamiliar. None where the DICOM tags decided.
    """

    outcome: Outcome
    code: str = ""
    reason: str = ""
    distance: float | None = None

    @property
    def warning(self) -> str:
        """What an answer to the image must say beside itself; "" where accepted."""
        return f"{self.reason} {ANSWERED_ANYWAY}" if self.outcome == "refused" else self.reason

    @property
    def refusal(self) -> str:
        """What the sender of a refused image is told: the reason, and how to get an answer."""
        return f"{self.reason} {HOW_TO_GET_AN_ANSWER}"

    def to_json(self) -> dict[str, Any]:
        """Return a dict that ``json.dumps`` takes."""
        return asdict(self) | {"distance": None if self.distance is None else round(self.distance, 3)}


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of images: a Gaussian over pixel statistics, and limits on the squared Mahalanobis distance to it.

    Attributes:
        name: what such an image looks like, with an article: "a chest film".
        parts: the parts of ``PixelStatistics`` that the Gaussian is over, in this order.
        mean: (D,) of the training images.
        precision: (D, D), the inverse of their covariance.
        familiar: what 2 or 3 % of the validation images exceed.
        limit: what 1 % of the validation images exceed.
        warning: what to tell the reader about an unfamiliar image if this is the nearest kind; "": a general sentence.
    """

    name: str
    parts: tuple[Part, ...]
    mean: Floats
    precision: Floats
    familiar: float
    limit: float
    warning: str = ""

    def squared_distance(self, statistics: PixelStatistics) -> float:
        """Return the squared Mahalanobis distance, without a unit."""
        offset = np.concatenate([getattr(statistics, part) for part in self.parts]) - self.mean
        return float(offset @ self.precision @ offset)

    def unfamiliarity(self, statistics: PixelStatistics) -> float:
        """Return the squared distance in units of the familiar limit: above 1 the image is unlike most of this kind."""
        return self.squared_distance(statistics) / self.familiar

    def excess(self, statistics: PixelStatistics) -> float:
        """Return the squared distance in units of the limit: above 1 the image is not of this kind."""
        return self.squared_distance(statistics) / self.limit


@dataclass(frozen=True)
class Subject:
    """What a model reads, in words and as DICOM says it.

    Attributes:
        name: with an article: "a chest film".
        grey: whether such images have no colour.
        has_top: whether such images have an upright position.
        least_contrast: an image whose 5 % and 95 % quantiles of the grey level are nearer than this is almost blank.
        modalities: DICOM modalities of such images.
        body_part: what such images show, if DICOM's BodyPartExamined can contradict it.
        ages: the youngest and oldest patients that the model learned from, in years.
    """

    name: str
    grey: bool
    has_top: bool
    least_contrast: float
    modalities: tuple[str, ...]
    body_part: str | None = None
    ages: tuple[int, int] | None = None


class LungSight(Protocol):
    """What a guard asks about the lungs in an image; ``overread.lungs.SeenLungs`` answers."""

    @property
    def area(self) -> float:
        """The share of the image that is lung, 0..1."""

    def area_when_turned(self, turn: Image.Transpose) -> float:
        """Return the same of the image turned."""


@dataclass(frozen=True, eq=False)
class Guard:
    """The kinds of images that a model may be sent; safe to use from several threads.

    Attributes:
        subject: what the model reads.
        learned: the kinds that the model learned from, such as the films of each hospital.
        wider: kinds of the same subject that it did not learn from: an image of one is unfamiliar.
        others: kinds that may be sent by mistake, to name what was refused.
    """

    subject: Subject
    learned: tuple[Kind, ...]
    wider: tuple[Kind, ...] = ()
    others: tuple[Kind, ...] = ()

    def judge(self, image: Image.Image, tags: DicomTags | None = None, lungs: LungSight | None = None) -> Verdict:
        """Return the verdict on an image.

        Args:
            image: RGB or L, of any size.
            tags: of the DICOM file that it came in, if any.
            lungs: in the image, where the model reads films and a lung net is at hand: without any it is refused.
        """
        by_tags = self._judge_tags(tags or DicomTags())
        if by_tags.outcome == "refused":
            return by_tags
        by_pixels = self._judge_pixels(image, pixel_statistics(image))
        if lungs and by_pixels.outcome != "refused" and lungs.area < LEAST_LUNGS:
            code = _without_lungs(lungs)
            return Verdict("refused", code, REASONS[code], by_pixels.distance)
        if by_tags.outcome == "accepted" or by_pixels.outcome == "refused":
            return by_pixels
        return Verdict("unfamiliar", by_tags.code, f"{by_tags.reason} {by_pixels.reason}".strip(), by_pixels.distance)

    def _judge_tags(self, tags: DicomTags) -> Verdict:
        subject = self.subject
        if tags.modality and tags.modality not in subject.modalities:
            return Verdict("refused", "modality", self._reason("modality", seen=tags.modality_name))
        if subject.body_part and tags.other_body_part:
            return Verdict("refused", "body-part", self._reason("body-part", seen=tags.other_body_part))
        if subject.body_part and tags.view and tags.view not in FRONTAL_VIEWS:
            return Verdict("unfamiliar", "view", self._reason("view", view=tags.view))
        if subject.ages and tags.age is not None and not subject.ages[0] <= tags.age <= subject.ages[1]:
            sentence = "age-and-view" if tags.view else "age"
            return Verdict("unfamiliar", "age", self._reason(sentence, age=tags.age, view=tags.view))
        return Verdict("accepted")

    def _reason(self, sentence: str, **words: object) -> str:
        subject = self.subject
        youngest, oldest = subject.ages or (None, None)
        return REASONS[sentence].format(
            subject=subject.name, body_part=subject.body_part, youngest=youngest, oldest=oldest, **words
        )

    def _judge_pixels(self, image: Image.Image, seen: PixelStatistics) -> Verdict:
        subject, distance = self.subject, min(kind.unfamiliarity(seen) for kind in self.learned)
        excess = self.excess(seen)
        if seen.contrast < subject.least_contrast:
            return Verdict("refused", "blank", REASONS["blank"], distance)
        if excess > 1 or (subject.grey and seen.colourfulness > COLOURFUL):
            code, known = self._name(image, seen)
            return Verdict("refused", code, self._reason(code, seen=known), distance)
        if subject.has_top and excess > UPSIDE_DOWN * self.excess(seen.upside_down()):
            return Verdict("refused", "upside-down", REASONS["upside-down"], distance)
        if subject.grey and seen.colourfulness > TINTED:
            return Verdict("unfamiliar", "tinted", REASONS["tinted"], distance)
        if distance > 1:
            nearest = min((*self.learned, *self.wider), key=lambda kind: kind.excess(seen))
            return Verdict("unfamiliar", "unlike-learned", nearest.warning or REASONS["unlike-learned"], distance)
        return Verdict("accepted", distance=distance)

    def excess(self, seen: PixelStatistics) -> float:
        """Return the squared distance to the nearest kind of the subject, in units of its limit: refused above 1."""
        return min(kind.excess(seen) for kind in (*self.learned, *self.wider))

    def _name(self, image: Image.Image, seen: PixelStatistics) -> tuple[str, str]:
        """Return the code for an image that is not of the subject, and the name of its kind where that is known."""
        tinted = self.subject.grey and seen.colourfulness > TINTED
        mended = [(self.excess(pixel_statistics(other)), code) for other, code in self._mended(image)]
        if not tinted and min(mended)[0] <= 1:
            return min(mended)[1], ""
        for kind in self.others:
            if kind.excess(seen) <= 1:
                return "other-kind", kind.name
        if tinted:
            return "colour", ""
        if not self.subject.grey and seen.colourfulness < GREY:
            return "grey", ""
        return "other", ""

    def _mended(self, image: Image.Image) -> Iterator[tuple[Image.Image, str]]:
        """Yield what the image may have been before somebody inverted or turned it, and the code of that."""
        small = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, reducing_gap=3.0)
        yield ImageOps.invert(small), "inverted-greys"
        if self.subject.has_top:
            yield small.transpose(Image.Transpose.ROTATE_180), "upside-down"
            for turn in (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270):
                yield small.transpose(turn), "sideways"


def _without_lungs(lungs: LungSight) -> str:
    """Return the code for an image in which no lungs are seen as it is: they may be once it is turned."""
    for code, turn in (
        ("upside-down", Image.Transpose.ROTATE_180),
        ("sideways", Image.Transpose.ROTATE_90),
        ("sideways", Image.Transpose.ROTATE_270),
    ):
        if lungs.area_when_turned(turn) >= LEAST_LUNGS:
            return code
    return "no-lungs"
