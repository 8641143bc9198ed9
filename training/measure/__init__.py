"""Measurements: metrics, calibration, predictions, heat-map quality, plots."""
