"""Rules that may keep an answer to themselves."""
