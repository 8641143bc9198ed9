"""Chest X-ray: does a frontal film look like pneumonia?"""

from dataclasses import replace

from overread.domain_text import DomainText
from overread.flips import AS_IT_IS
from training.data.data_sets import CHEST_XRAY_PNEUMONIA
from training.recipes.domain import Domain
from training.recipes.recipe import LITE_MEAN, LITE_STD, EnsembleRecipe, Films, Recipe, Stage

EARLY_LAYERS = ("conv_stem", "bn1", "blocks.0", "blocks.1")  # of the EfficientNet
ANY_PROPORTIONS = Films(  # how a film was cropped tells the class in the children's set: here it tells less
    frozen=EARLY_LAYERS, twice=0.6, consistency=0.5, placed_twice=True, same_proportions=True, averaged=0.4
)
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
            films=Films(frozen=EARLY_LAYERS),
        ),
        Stage(  # every film twice: a full-size film is sharper than what was published of it
            224,
            epochs=1.0,
            learning_rate=1.5e-4,
            augmentation="chest-xray-two-hospitals",
            random_stride_offset=True,
            weight_averaging=True,
            films=Films(frozen=EARLY_LAYERS, twice=1.0, consistency=1.0, averaged=0.7),
        ),
        Stage(
            224,
            epochs=3.5,
            learning_rate=2e-4,
            augmentation="chest-xray-any-proportions",
            random_stride_offset=True,
            weight_averaging=True,
            films=ANY_PROPORTIONS,
        ),
        Stage(  # brings the evidence back into the lungs, where crops had let it out
            224,
            epochs=3.0,
            learning_rate=2e-4,
            augmentation="chest-xray-half-cropped",
            random_stride_offset=True,
            weight_averaging=True,
            films=replace(ANY_PROPORTIONS, outside_weight=2.0),
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

DOMAIN = Domain(
    text=DomainText(
        tab="Chest X-ray",
        task="Estimates the probability of pneumonia in a frontal chest X-ray, with a signed heat map of the evidence.",
        question="Does this frontal chest X-ray look like pneumonia? The models learned from films of children at "
        "one hospital and, fewer, of adults at another: expect worse answers anywhere else.",
        image="a frontal chest X-ray of any size",
        image_word="film",
        images="films",
        learned_from="the chest X-ray pneumonia set (CC BY 4.0; Kermany et al. 2018), children of one to five years "
        "at one hospital, and from 516 films of another hospital, most of adults, whose labels were mined from "
        "reports (NIH ChestX-ray14; Wang et al. 2017). At the first hospital a film's proportions predict its label: "
        "the EfficientNet was taught not to use them, Xception was not. On films of adults that radiologists read it "
        "is right less often, as the model cards show. It has never seen other diseases: its answer is about "
        "pneumonia alone.",
    ),
    nets=(
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
        CHEST_XRAY_LITE0,
    ),
    ensembles=(
        # Without Xception, which reads a film's proportions and with which validation films rank no better (DeLong
        # p = 0.53). A chest has a top; mirrored, it was learned from.
        EnsembleRecipe(
            "chest-xray-ensemble",
            "Ensemble",
            "EfficientNet-Lite0 in two views, slower",
            CHEST_XRAY_PNEUMONIA,
            ("chest-xray-efficientnet-lite0",),
            (AS_IT_IS, "flipped left to right"),
        ),
    ),
)
