"""Rules that read trial answers at the cues."""
