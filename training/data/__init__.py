"""Data sets, their splits, and the validation images that everything is chosen on."""
