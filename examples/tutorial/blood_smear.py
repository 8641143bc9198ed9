"""Blood smears: is there a parasite in a red blood cell? The domain of docs/tutorial.md, on synthetic pictures."""

from overread.domain_text import DomainText
from training.data.data_sets import Source
from training.recipes.domain import Domain
from training.recipes.recipe import LITE_MEAN, LITE_STD, Recipe, Stage

SMEARS = Source(
    dataset="synthetic-blood-smears",  # on the Hub, or any name where the pictures are in a folder of yours
    domain="blood-smear",  # in links, in the API (/blood_smear) and in `overread predict --model blood-smear`
    finding="parasites",  # what the probability is of: "no sign of parasites"
    labels=("no parasite", "parasite"),
    positive="parasite",  # the folder, or the value of the column `label`, that means the finding
    train_split="train",
    validation_split="validation",  # chooses thresholds and calibration
    test_split="test",  # is reported, and chooses nothing
    licence="CC0-1.0",
    citation="drawn by examples/tutorial/draw_smears.py",
    mosaics=20,  # how many pictures the heat map is measured on
    perturbed=6,
)

DOMAIN = Domain(
    text=DomainText(
        tab="Blood smear",
        task="Estimates the probability of parasites in the red cells of a blood smear, with a signed heat map.",
        question="Is there a parasite in a red cell of this smear? The model learned from synthetic pictures of 96 x "
        "96 px: expect nothing of real ones.",
        image="a synthetic blood smear of 96 x 96 px",
        image_word="smear",
        images="smears",
        learned_from="synthetic blood smears, 1,920 pictures drawn by a program.",
    ),
    nets=(
        Recipe(
            name="blood-smear-efficientnet-lite0",
            # Any timm net with global average pooling, one linear layer and `output_stride`.
            architecture="tf_efficientnet_lite0",
            source=SMEARS,
            stages=(Stage(96, epochs=3, learning_rate=1e-3, augmentation="histopathology", random_stride_offset=True),),
            export_size=96,
            export_stride=8,  # a heat map of 12 x 12 cells
            title="EfficientNet-Lite0",
            summary="one pass, trained from the weights of a histopathology net",
            mean=LITE_MEAN,
            std=LITE_STD,
            batch_size=32,
            bfloat16=False,
            recalibrated_batch_norm=True,
        ),
    ),
)
