"""Trains the small recipe with weight averaging, as one process of several: RUNS PATCHES."""

import dataclasses
import sys
from importlib import import_module
from pathlib import Path

from tests.training.small_recipe import SMALL_RECIPE
from training.methods.torchvision_operators import declare_missing_operators

declare_missing_operators()
averaged = dataclasses.replace(SMALL_RECIPE.stages[0], epochs=5, weight_averaging=True)
train = import_module("training.train").train  # it imports transformers, hence after the call
train(dataclasses.replace(SMALL_RECIPE, stages=(averaged,)), Path(sys.argv[1]), sys.argv[2])
