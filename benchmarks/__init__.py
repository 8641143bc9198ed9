"""Speed and size, measured in one run and printed as Markdown tables."""
