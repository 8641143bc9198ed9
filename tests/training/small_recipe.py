"""A recipe that trains in seconds; as a command with RUNS and PATCHES, trains it with weight averaging."""

import dataclasses
import sys
from pathlib import Path

from training.recipes.nets import RECIPES, Stage
from training.train import train

SMALL_RECIPE = dataclasses.replace(
    RECIPES["pcam-resnet18"],
    architecture="resnet10t",
    stages=(Stage(64, epochs=2, learning_rate=2e-3, augmentation="histopathology"),),
    batch_size=8,
)

if __name__ == "__main__":
    averaged = dataclasses.replace(SMALL_RECIPE.stages[0], epochs=5, weight_averaging=True)
    train(dataclasses.replace(SMALL_RECIPE, stages=(averaged,)), Path(sys.argv[1]), sys.argv[2])
