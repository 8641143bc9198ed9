"""Model cards and HTML pages, rendered from measurements."""
