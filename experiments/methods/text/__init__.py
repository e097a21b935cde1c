"""Rules that read the text."""
