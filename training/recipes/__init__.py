"""The knobs: one recipe per net and per ensemble."""
