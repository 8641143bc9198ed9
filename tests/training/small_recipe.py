"""A recipe that trains in seconds."""

import dataclasses

from training.recipes.nets import RECIPES
from training.recipes.recipe import Stage

SMALL_RECIPE = dataclasses.replace(
    RECIPES["pcam-resnet18"],
    architecture="resnet10t",
    stages=(Stage(64, epochs=2, learning_rate=2e-3, augmentation="histopathology"),),
    batch_size=8,
)
