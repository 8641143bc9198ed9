"""The nets that only teach: they are trained, give soft labels, and do not ship."""

from dataclasses import replace

from training.data.data_sets import PATCH_CAMELYON
from training.recipes.recipe import LITE_MEAN, LITE_STD, Recipe, Stage

PCAM_TEACHER = Recipe(
    name="pcam-teacher-96",
    architecture="tf_efficientnet_lite0",
    source=PATCH_CAMELYON,
    stages=(Stage(96, epochs=5, learning_rate=1e-3, augmentation="histopathology-strong"),),
    export_size=96,
    export_stride=8,
    mean=LITE_MEAN,
    std=LITE_STD,
    pretrained="timm/tf_efficientnet_lite0.in1k",
    bfloat16=False,
)

TEACHERS = (
    PCAM_TEACHER,
    replace(
        PCAM_TEACHER,
        name="pcam-teacher-128",
        # Enlarged, because the stem's first stride loses small nuclei.
        stages=(
            Stage(128, epochs=1.6, learning_rate=5e-4, augmentation="histopathology-strong", random_stride_offset=True),
        ),
        export_size=128,
        initial_weights_from="pcam-teacher-96",
        pretrained=None,
    ),
    replace(
        PCAM_TEACHER,
        name="pcam-teacher-128-mosaics",
        # The mosaics are for the heat map; they leave the AUC where it was.
        stages=(
            Stage(96, epochs=4, learning_rate=1e-3, augmentation="histopathology-strong", random_stride_offset=True),
            Stage(128, epochs=1.6, learning_rate=5e-4, augmentation="histopathology-strong", random_stride_offset=True),
            Stage(
                128,
                epochs=1.2,
                learning_rate=4e-4,
                augmentation="histopathology-strong",
                random_stride_offset=True,
                mosaic_training=True,
            ),
        ),
        export_size=128,
        seed=2027,
    ),
)
