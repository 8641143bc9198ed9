"""Puts the app, its browser twin and the models on the Hugging Face Hub: ``overread deploy``, ``overread push``."""
