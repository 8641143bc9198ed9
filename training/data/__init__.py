"""Data sets, their splits, and the validation images that calibration and thresholds are chosen on."""
