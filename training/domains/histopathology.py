"""Histopathology: is there tumour in the centre of a patch of a lymph node?"""

from dataclasses import replace

from overread.domain_text import DomainText
from overread.flips import FLIPPED_AXES
from training.data.data_sets import PATCH_CAMELYON
from training.recipes.domain import Domain
from training.recipes.recipe import IMAGENET_MEAN, IMAGENET_STD, EnsembleRecipe, Recipe, Stage
from training.recipes.teachers import PCAM_TEACHER, TEACHERS

DOMAIN = Domain(
    text=DomainText(
        tab="Histopathology",
        task="Estimates the probability of lymph-node metastasis in the centre 32 x 32 px of an H&E patch, with a "
        "signed heat map of the evidence.",
        question="Is there metastatic tumour in the centre of this lymph-node patch? It reads H&E patches of 96 x 96 "
        "px at about 1 µm/px (10x), as in PatchCamelyon; of a field of view or a slide it reads every patch.",
        image="an H&E patch of 96 x 96 px at 0.97 µm/px (10x); one of another known scale is resampled, a larger "
        "field or a slide is for /scan_field",
        image_word="patch",
        images="patches",
        learned_from="PatchCamelyon (CC0; Veeling et al. 2018, from CAMELYON16, Bejnordi et al. 2017): patches of 96 "
        "x 96 px at 0.972 µm/px from lymph-node sections of breast-cancer patients. The label says whether the "
        "centre 32 x 32 px hold tumour.",
    ),
    nets=(
        Recipe(
            name="pcam-resnet18",
            architecture="resnet18",
            source=PATCH_CAMELYON,
            # Stride 8 would cost four times as much a step; at stride 32 with one fixed offset, dilating the net for
            # export would cost AUC. So the last stage draws the offset.
            stages=(
                Stage(96, epochs=7, learning_rate=2e-3, augmentation="histopathology"),
                Stage(96, epochs=2, learning_rate=1e-3, augmentation="histopathology-strong"),
                Stage(
                    96,
                    epochs=2,
                    learning_rate=8e-4,
                    augmentation="histopathology-strong",
                    teacher="pcam-teacher-96",
                ),
                Stage(
                    96,
                    epochs=6,
                    learning_rate=8e-4,
                    augmentation="histopathology-strong",
                    teacher="pcam-teacher-96",
                    random_stride_offset=True,
                ),
            ),
            export_size=96,
            export_stride=8,
            title="ResNet-18",
            summary="one pass, trained from random weights",
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            recalibrated_batch_norm=True,
        ),
        *TEACHERS,
        replace(
            PCAM_TEACHER,
            name="pcam-efficientnet-lite0",
            # The three teachers in one net.
            stages=(
                Stage(
                    128,
                    epochs=4,
                    learning_rate=5e-4,
                    augmentation="histopathology-strong",
                    soft_labels=("pcam-teacher-96", "pcam-teacher-128", "pcam-teacher-128-mosaics"),
                    teacher_share=0.8,
                    random_filters=True,
                    twice=1 / 3,
                    random_stride_offset=True,
                    mosaic_training=True,
                    mosaic_share=0.6,
                ),
                Stage(
                    128,
                    epochs=0.8,
                    learning_rate=1.2e-4,
                    augmentation="histopathology-strong",
                    soft_labels=("pcam-teacher-96", "pcam-teacher-128", "pcam-teacher-128-mosaics"),
                    teacher_share=0.8,
                    random_filters=True,
                    twice=1 / 2,
                    consistency=2.0,
                    random_stride_offset=True,
                    mosaic_training=True,
                    mosaic_share=0.6,
                ),
            ),
            export_size=128,
            title="EfficientNet-Lite0",
            summary="one pass, taught by three nets",
            initial_weights_from="pcam-teacher-128-mosaics",
            pretrained=None,
            batch_size=48,
            warmup=0.05,
            averaged_checkpoints=3,
            seed=2028,
        ),
    ),
    ensembles=(
        EnsembleRecipe(  # a patch has no top and no left: all four flips
            "pcam-ensemble",
            "Ensemble",
            "both nets, four flips, slower",
            PATCH_CAMELYON,
            ("pcam-efficientnet-lite0", "pcam-resnet18"),
            tuple(FLIPPED_AXES),
        ),
    ),
)
