"""The knobs of training: what a stage and a recipe may say, each with its default."""

from dataclasses import dataclass

from overread.preprocessing import Preprocessing
from training.data.data_sets import Source
from training.recipes.augmentation_strengths import AugmentationName

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
LITE_MEAN, LITE_STD = (127 / 255,) * 3, (128 / 255,) * 3  # EfficientNet-Lite's: (x - 127) / 128 on 0..255


@dataclass(frozen=True)
class Films:
    """What a stage on the films of two hospitals teaches besides the label, see `training.methods.film_training`."""

    frozen: tuple[str, ...] = ()  # modules that stay as they are: early ones cost most of a step
    second_share: float = 0.33  # of the films: the second hospital's, alike from each view and class
    outside_weight: float = 1.0  # of the share of evidence outside the lungs in the loss
    dilation: int = 8  # px that lungs are made wider by, since an opacity may touch the pleura
    half_mosaics: float = 0.35  # of the batches: left half of one film, right half of another
    quarter_mosaics: float = 0.15  # of the batches: 2 x 2 films
    twice: float = 0.5  # of the batches: every film twice, resampled, sharpened and compressed in two ways
    placed_twice: bool = False  # those films are cropped, moved and turned in two ways, too
    same_proportions: bool = False  # films are drawn so that width over height predicts no class
    consistency: float = 0.3  # weight of the squared difference between the two answers
    logit_penalty: float = 0.01  # L2 of the log-odds: spectral decoupling (Pezeshki et al. 2021)
    averaged: float = 0.5  # last part of the steps, over which weights are averaged
    teacher_map: float = 0.0  # weight of the distance to the teacher's map


@dataclass(frozen=True)
class Stage:
    """One training run at one input size and output stride; a stage starts from the weights of the one before."""

    size: int  # input height and width, px
    epochs: float
    learning_rate: float  # of AdamW: linear warm-up to it, then cosine decay
    augmentation: AugmentationName
    output_stride: int = 32  # input px per cell of the last features; 16 and 8 cost up to four times as much

    # Distillation: a share of the loss compares with the softened probabilities of a finished net.
    teacher: str | None = None  # name of that net's recipe
    teacher_share: float = 0.7  # of the loss; the labels have the rest
    distillation_temperature: float = 2.0
    # In place of a teacher, which sees the augmented images: the mean log-odds that several nets of other recipes give
    # the images as they are, computed once.
    soft_labels: tuple[str, ...] = ()

    # Resizes by random filters, see `training.methods.random_resampling`; else by the recipe's.
    random_filters: bool = False
    twice: float = 0.0  # share of each batch that is seen by two filters
    consistency: float = 0.5  # weight of the squared difference between the two answers, in log-odds

    # Random stride offset per batch (shift-and-stitch): trains a strided net for the dilated one that is exported.
    random_stride_offset: bool = False

    # 2 x 2 mosaics of training images: teach the net to keep evidence in the cells that it belongs to.
    mosaic_training: bool = False
    mosaic_share: float = 0.5  # of the batches; the others keep image borders as in use

    # Stochastic weight averaging: constant learning rate after the warm-up, and the mean of the weights is kept.
    weight_averaging: bool = False
    averaging_interval: int = 5  # steps between averaged weights, since neighbours hardly differ

    # Films of the source and of its second source, with lung masks.
    films: Films | None = None


@dataclass(frozen=True)
class Recipe:
    """Everything that turns a data set into one model folder."""

    name: str
    architecture: str  # a timm architecture that takes `output_stride`
    source: Source
    stages: tuple[Stage, ...]

    # What is exported: the heat map has export_size / export_stride cells a side.
    export_size: int
    export_stride: int

    # Preprocessing, besides the size of the stage.
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bicubic"

    # For people, where a model is chosen; a net that only teaches has none.
    title: str = ""
    summary: str = ""  # one line

    # Initial weights: random unless one of these is set.
    pretrained: str | None = None  # a trunk on the Hub (--init names a local copy)
    initial_weights_from: str | None = None  # name of another recipe, whose trained net is trained further

    # Optimisation, the same in every stage.
    batch_size: int = 64  # images a step, shared by the processes that train together
    weight_decay: float = 0.05
    warmup: float = 0.1  # fraction of a stage's steps
    label_smoothing: float = 0.05
    bfloat16: bool = True  # on a CPU with AMX: twice as fast for dense convolutions, half as fast for depthwise ones
    seed: int = 2026  # of everything drawn in training; the split's is in `Source`

    # After the last stage: the mean of the last checkpoints, one from each epoch begun; 1: the last stage's weights.
    averaged_checkpoints: int = 1

    # After the last stage: batch-norm statistics of training images without augmentation, at the exported size and
    # stride. Training leaves those of augmented images behind (Touvron et al. 2019), often at another stride.
    recalibrated_batch_norm: bool = False
    batch_norm_images: int = 2048

    def __post_init__(self) -> None:
        """Refuse averaged weights with the batch-norm statistics of the last weights."""
        if self.stages[-1].weight_averaging and not self.recalibrated_batch_norm:
            raise ValueError(
                f"{self.name} ends with averaged weights, whose batch-norm statistics are unknown: set "
                "recalibrated_batch_norm"
            )

    def preprocessing(self, size: int | None = None) -> Preprocessing:
        """Return the preprocessing at ``size`` pixels (default: the exported size)."""
        side = size or self.export_size
        return Preprocessing(side, side, self.interpolation, self.mean, self.std)


@dataclass(frozen=True)
class EnsembleRecipe:
    """Which exported models may answer together; validation decides how much each one counts."""

    name: str
    title: str  # for people, as of a net
    summary: str
    source: Source  # of every member
    members: tuple[str, ...]  # names of recipes
    views: tuple[str, ...]  # of `overread.flips`, each shown to each member
