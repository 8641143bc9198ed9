"""Pictures for the tabs: synthetic phantoms drawn by our own code, and a fetcher for real, openly licensed ones."""
