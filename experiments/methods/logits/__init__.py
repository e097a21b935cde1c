"""Rules that read the next-token distribution."""
