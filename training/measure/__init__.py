"""Measurements: predictions, metrics, intervals, operating points, heat-map quality, file statistics, plots."""
