"""Twelve real images with label, source and licence (manifest.json), and small clients to copy."""
