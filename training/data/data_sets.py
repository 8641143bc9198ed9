"""A data set: Hub id, splits, labels, licence, citation; and the sets that several commands use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from overread.catalogue import Domain


@dataclass(frozen=True)
class Source:
    """A data set on the Hub, or a local folder in its schema."""

    dataset: str
    domain: Domain
    finding: str
    labels: tuple[str, str]  # of class 0 and class 1, which is the finding
    positive: str | bool  # the value, or the ClassLabel name, that means the finding
    train_split: str
    validation_split: str | None  # None: split off train by patient, with `split_seed`
    test_split: str
    licence: str
    citation: str
    region: Mapping[str, float] = field(default_factory=dict)  # what the label describes, if not all
    split_seed: int = 2026  # the same for all models: members of an ensemble share their validation patients
    published: Mapping[str, int] = field(default_factory=dict)  # images on the Hub by split: train, validation, test
    validates_on_corrupted: bool = False  # as well, where clean images are nearly all classified correctly
    validation_folds: int = 8  # one of them is validation, where it is split off train
    patient: str | None = None  # column that names the patient; None: the file name does
    stratum: str | None = None  # column within whose values the classes are balanced
    positive_target: float = 1.0  # what a positive label is worth, below 1 where labels are text-mined
    mosaics: int = 100  # in the pointing game
    perturbed: int = 12  # images whose deletion and insertion curves are drawn
    second: "Source | None" = None  # of another hospital: nets are trained and calibrated on both
    masks: str | None = None  # data set of the lung masks


def folder_beside(data: str | None, dataset: str) -> str:
    """Return where a data set is that is used together with another one.

    Args:
        data: local folder of the other one: the data set is looked for beside it (default: the Hub).
        dataset: its name.
    """
    return str(Path(data).parent / Path(dataset).name) if data else dataset


PATCH_CAMELYON = Source(
    dataset="1aurent/PatchCamelyon",
    domain="histopathology",
    finding="lymph-node metastasis",
    labels=("no metastasis", "metastasis"),
    positive=True,
    train_split="train",
    validation_split="valid",
    test_split="test",
    licence="CC0-1.0",
    citation="Veeling et al. 2018, Rotation Equivariant CNNs for Digital Pathology; Bejnordi et al. 2017, CAMELYON16",
    region={"spacing_um_per_px": 0.972, "patch_px": 96, "labelled_centre_px": 32},
    published={"train": 262_144, "validation": 32_768, "test": 32_768},
)
NIH_CHEST_XRAY = Source(  # mostly adults; text-mined labels, so this is no test set
    dataset="nih-chest-xray-sample",
    domain="chest-xray",
    finding="pneumonia",
    labels=("normal", "pneumonia"),
    positive="PNEUMONIA",
    train_split="train",
    validation_split=None,
    test_split="train",
    licence="NIH Clinical Center: free use with attribution",
    citation="Wang et al. 2017, ChestX-ray8: Hospital-Scale Chest X-Ray Database and Benchmarks",
    validation_folds=4,  # 516 films: fewer than a quarter would choose nothing
    patient="patient",
    stratum="view",
    positive_target=0.75,
)
CHEST_XRAY_PNEUMONIA = Source(
    dataset="hf-vision/chest-xray-pneumonia",
    domain="chest-xray",
    finding="pneumonia",
    labels=("normal", "pneumonia"),
    positive="PNEUMONIA",
    train_split="train",
    validation_split=None,  # the official one has 16 images, too few to choose anything on
    test_split="test",
    licence="CC-BY-4.0",
    citation="Kermany et al. 2018, Identifying Medical Diagnoses and Treatable Diseases by Image-Based Deep Learning",
    published={"train": 5216, "validation": 16, "test": 624},
    validates_on_corrupted=True,
    mosaics=12,  # films are larger than patches and take a CPU ten times as long
    perturbed=6,
    second=NIH_CHEST_XRAY,
    masks="chest-xray-lungs",
)
