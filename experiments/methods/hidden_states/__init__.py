"""Rules that read hidden states."""
