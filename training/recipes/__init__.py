"""What is trained on what: one recipe per net and per ensemble."""
