"""What is trained on what: one recipe per model, every knob in one place."""

from dataclasses import dataclass, field
from typing import Any, Literal

from models.preprocessing import Preprocessing

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Source:
    """A data set on the Hub (or a local folder of the same schema): where its pictures, labels and splits are."""

    dataset: str
    positive: str | bool  # the label's value, or ClassLabel name, that means the finding
    train_split: str
    validation_split: str | None  # None: carved out of train, patient by patient
    test_split: str
    licence: str
    citation: str


PATCH_CAMELYON = Source(
    dataset="1aurent/PatchCamelyon",
    positive=True,
    train_split="train",
    validation_split="valid",
    test_split="test",
    licence="CC0-1.0",
    citation="Veeling et al. 2018, Rotation Equivariant CNNs for Digital Pathology; Bejnordi et al. 2017, CAMELYON16",
)
CHEST_XRAY_PNEUMONIA = Source(
    dataset="hf-vision/chest-xray-pneumonia",
    positive="PNEUMONIA",
    train_split="train",
    validation_split=None,  # the official one has 16 pictures: too few to choose anything on
    test_split="test",
    licence="CC-BY-4.0",
    citation="Kermany et al. 2018, Identifying Medical Diagnoses and Treatable Diseases by Image-Based Deep Learning",
)


@dataclass(frozen=True)
class Stage:
    """One learning-rate cycle (linear warm-up, cosine decay) at one input size and output stride."""

    size: int  # pixels, height and width
    output_stride: int
    epochs: float
    learning_rate: float
    batch_size: int


@dataclass(frozen=True)
class Recipe:
    """Everything that makes one model folder out of a data set."""

    name: str
    architecture: str  # a timm architecture that takes `output_stride`
    source: Source
    finding: str
    labels: tuple[str, str]  # class 0 and class 1, as `transformers` shows them
    augmentation: Literal["histopathology", "chest-xray"]
    stages: tuple[Stage, ...]
    export_size: int
    export_stride: int  # Grad-CAM's grid has export_size / export_stride cells a side
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bicubic"
    weight_decay: float = 0.05
    warmup: float = 0.1  # share of a stage's steps
    label_smoothing: float = 0.05
    seed: int = 2026
    region: dict[str, Any] = field(default_factory=dict)  # what the label speaks about, where not the whole picture

    def preprocessing(self, size: int | None = None) -> Preprocessing:
        """Return the preprocessing at ``size`` pixels (default: the size that is exported)."""
        side = size or self.export_size
        return Preprocessing(side, side, self.interpolation, self.mean, self.std)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="pcam-resnet18",
            architecture="resnet18",
            source=PATCH_CAMELYON,
            finding="lymph-node metastasis",
            labels=("no metastasis", "metastasis"),
            augmentation="histopathology",
            # Dilating the last two stages to stride 8 costs four times the work and needs no retraining (Yu & Koltun
            # 2016: the dilated net computes what the strided one would, at every phase), so training stays at 32.
            stages=(Stage(size=96, output_stride=32, epochs=7, learning_rate=2e-3, batch_size=64),),
            export_size=96,
            export_stride=8,
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            region={"spacing_um_per_px": 0.972, "labelled_centre_px": 32},
        ),
        Recipe(
            name="chest-xray-xception",
            architecture="xception41",
            source=CHEST_XRAY_PNEUMONIA,
            finding="pneumonia",
            labels=("normal", "pneumonia"),
            augmentation="chest-xray",
            # Small pictures first: most of what separates the classes is coarse, and 128 px costs a third of 224 px.
            stages=(
                Stage(size=128, output_stride=32, epochs=5, learning_rate=1e-3, batch_size=32),
                Stage(size=224, output_stride=16, epochs=1, learning_rate=2e-4, batch_size=32),
            ),
            export_size=224,
            export_stride=16,
            mean=(0.5, 0.5, 0.5),
            std=(0.5, 0.5, 0.5),
        ),
    )
}
