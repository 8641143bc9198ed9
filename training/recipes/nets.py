"""How every net is trained: one recipe per net; ``recipe.py`` has the knobs and their defaults.

What was tried and dropped is in ``docs/experiments.md``.
"""

from dataclasses import replace

from training.data.data_sets import CHEST_XRAY_PNEUMONIA, PATCH_CAMELYON
from training.recipes.recipe import IMAGENET_MEAN, IMAGENET_STD, LITE_MEAN, LITE_STD, Films, Recipe, Stage
from training.recipes.teachers import PCAM_TEACHER, TEACHERS

CHEST_XRAY_LITE0 = Recipe(
    name="chest-xray-efficientnet-lite0",
    architecture="tf_efficientnet_lite0",
    source=CHEST_XRAY_PNEUMONIA,
    stages=(
        Stage(160, epochs=4, learning_rate=6e-4, augmentation="chest-xray-tone", random_stride_offset=True),
        Stage(224, epochs=2, learning_rate=2e-4, augmentation="chest-xray-tone", random_stride_offset=True),
        Stage(
            224,
            epochs=7,
            learning_rate=2e-4,
            augmentation="chest-xray-tone",
            random_stride_offset=True,
            weight_averaging=True,
        ),
        Stage(
            224,
            epochs=2.2,
            learning_rate=2e-4,
            augmentation="chest-xray-two-hospitals",
            random_stride_offset=True,
            weight_averaging=True,
            films=Films(frozen=("conv_stem", "bn1", "blocks.0", "blocks.1")),
        ),
        Stage(  # every film twice: a full-size film is sharper than what was published of it
            224,
            epochs=1.0,
            learning_rate=1.5e-4,
            augmentation="chest-xray-two-hospitals",
            random_stride_offset=True,
            weight_averaging=True,
            films=Films(frozen=("conv_stem", "bn1", "blocks.0", "blocks.1"), twice=1.0, consistency=1.0, averaged=0.7),
        ),
    ),
    export_size=224,
    export_stride=16,
    title="EfficientNet-Lite0",
    summary="one pass, the fastest",
    mean=LITE_MEAN,
    std=LITE_STD,
    interpolation="bilinear",  # what the published films were made with; see `docs/experiments.md`
    batch_size=32,
    pretrained="timm/tf_efficientnet_lite0.in1k",
    bfloat16=False,
    recalibrated_batch_norm=True,
)

RECIPES = {
    recipe.name: recipe
    for recipe in (
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
        Recipe(
            name="chest-xray-xception",
            architecture="xception41",
            source=CHEST_XRAY_PNEUMONIA,
            # Small images first: what separates the classes is mostly coarse, and 128 px costs a third of 224 px.
            stages=(
                Stage(128, epochs=5, learning_rate=1e-3, augmentation="chest-xray"),
                Stage(224, epochs=1, learning_rate=2e-4, augmentation="chest-xray", output_stride=16),
                Stage(
                    160,
                    epochs=1,
                    learning_rate=4e-4,
                    augmentation="chest-xray-strong",
                    teacher="chest-xray-efficientnet-lite0",
                ),
                Stage(
                    160,
                    epochs=3,
                    learning_rate=5e-4,
                    augmentation="chest-xray-tone",
                    teacher="chest-xray-efficientnet-lite0",
                    random_stride_offset=True,
                ),
                Stage(
                    224,
                    epochs=0.75,
                    learning_rate=1.5e-4,
                    augmentation="chest-xray-tone",
                    teacher="chest-xray-efficientnet-lite0",
                    random_stride_offset=True,
                ),
                Stage(
                    224,
                    epochs=1.1,
                    learning_rate=3e-4,
                    augmentation="chest-xray-two-hospitals",
                    teacher="chest-xray-efficientnet-lite0",
                    teacher_share=0.5,
                    random_stride_offset=True,
                    weight_averaging=True,
                    films=Films(frozen=("stem", "blocks.0", "blocks.1", "blocks.2"), teacher_map=0.3),
                ),
                Stage(
                    224,
                    epochs=0.75,
                    learning_rate=3e-4,
                    augmentation="chest-xray-two-hospitals",
                    teacher="chest-xray-efficientnet-lite0",
                    random_stride_offset=True,
                    weight_averaging=True,
                    films=Films(
                        frozen=("stem", "blocks.0", "blocks.1", "blocks.2"),
                        second_share=0.4,
                        outside_weight=2.0,
                        teacher_map=0.3,
                        averaged=0.6,
                    ),
                ),
            ),
            export_size=224,
            export_stride=16,
            title="Xception-41",
            summary="one pass, trained from random weights, slower",
            mean=(0.5, 0.5, 0.5),
            std=(0.5, 0.5, 0.5),
            interpolation="bilinear",
            batch_size=32,
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
        CHEST_XRAY_LITE0,
    )
}
