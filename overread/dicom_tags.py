"""What a DICOM file says about the image it holds, as far as a guard needs it: modality, body part, age and view.

No other tag is read. Age and view may be shown; of modality and body part only what the tables here call them, so that
no text that somebody typed into a file, such as a name, can reach an answer or a log.
"""

import re
from dataclasses import dataclass
from typing import Any

MODALITIES = {  # DICOM PS3.3 C.7.3.1.1.1
    "BMD": "a bone density measurement",
    "CR": "a radiograph",
    "CT": "a CT slice",
    "DX": "a radiograph",
    "ECG": "an electrocardiogram",
    "ES": "an endoscopy image",
    "GM": "a microscopy image",
    "IO": "a dental radiograph",
    "IVUS": "an ultrasound image",
    "MG": "a mammogram",
    "MR": "an MR slice",
    "NM": "a nuclear medicine image",
    "OCT": "an optical coherence tomogram",
    "OP": "an eye photograph",
    "OPT": "an optical coherence tomogram",
    "PT": "a PET slice",
    "PX": "a dental radiograph",
    "RF": "a radiograph",
    "RTDOSE": "a radiotherapy dose map",
    "RTIMAGE": "a radiotherapy image",
    "SEG": "a segmentation",
    "SM": "a microscopy image",
    "US": "an ultrasound image",
    "XA": "a radiograph",
    "XC": "a photograph",
}
OTHER_BODY_PARTS = {  # DICOM PS3.16 annex L, the parts of which plain radiographs are common, by how the term starts
    "ABD": "the abdomen",
    "ANKLE": "an ankle",
    "ARM": "an arm",
    "BREAST": "a breast",
    "CALCANEUS": "a heel",
    "CERVIX": "the neck",
    "COCCYX": "the spine",
    "CSPINE": "the spine",
    "ELBOW": "an elbow",
    "EXTREMITY": "a limb",
    "EYE": "an eye",
    "FACE": "the face",
    "FEMUR": "a thigh",
    "FINGER": "a finger",
    "FOOT": "a foot",
    "HAND": "a hand",
    "HEAD": "the head",
    "HIP": "a hip",
    "HUMERUS": "an arm",
    "JAW": "a jaw",
    "KNEE": "a knee",
    "LEG": "a leg",
    "LSPINE": "the spine",
    "MANDIBLE": "a jaw",
    "NECK": "the neck",
    "PELVIS": "the pelvis",
    "SHOULDER": "a shoulder",
    "SKULL": "the skull",
    "SPINE": "the spine",
    "THIGH": "a thigh",
    "TOE": "a toe",
    "WHOLEBODY": "the whole body",
    "WRIST": "a wrist",
    "ZYGOMA": "the face",
}
FRONTAL_VIEWS = ("AP", "PA")
OTHER_VIEWS = ("LL", "RL", "LLD", "RLD", "RLO", "LLO", "LATERAL", "LAT", "LAO", "RAO", "LPO", "RPO")


@dataclass(frozen=True)
class DicomTags:
    """Modality and body part as the file's codes, age in whole years and view; None where the file does not say."""

    modality: str | None = None
    body_part: str | None = None
    age: int | None = None
    view: str | None = None

    @property
    def modality_name(self) -> str:
        """What to call the modality in a sentence: a name of the table, never the file's own text."""
        return MODALITIES.get(self.modality or "", "an image of another modality")

    @property
    def other_body_part(self) -> str | None:
        """What to call a body part that is not the chest; None for the chest and for terms that are not known."""
        for start, name in OTHER_BODY_PARTS.items():
            if (self.body_part or "").startswith(start):
                return None if "CHEST" in (self.body_part or "") else name
        return None


def read_tags(dataset: Any) -> DicomTags:
    """Return the four tags of a pydicom data set; what has not the form of the standard counts as missing."""
    modality, body_part = _code(dataset, "Modality"), _code(dataset, "BodyPartExamined")
    view = _code(dataset, "ViewPosition")
    return DicomTags(modality, body_part, _age(dataset), view if view in FRONTAL_VIEWS + OTHER_VIEWS else None)


def _code(dataset: Any, keyword: str) -> str | None:
    value = dataset.get(keyword)
    code = re.sub(r"[\s_-]", "", value).upper() if isinstance(value, str) else ""
    return code if re.fullmatch(r"[A-Z]{2,16}", code) else None


def _age(dataset: Any) -> int | None:
    """Return PatientAge in whole years; the form is three digits and D, W, M or Y (DICOM PS3.5 6.2, AS)."""
    value = dataset.get("PatientAge")
    found = re.fullmatch(r"\s*(\d{3})([DWMY])\s*", value) if isinstance(value, str) else None
    if not found or (found[2] == "Y" and int(found[1]) == 0):  # 000Y is what anonymisers write
        return None
    years = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}[found[2]]
    return int(int(found[1]) / years)
