"""Training and export methods, one per file."""
