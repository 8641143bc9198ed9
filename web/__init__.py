"""Overread in the browser: what Python contributes to it. See README.md."""
