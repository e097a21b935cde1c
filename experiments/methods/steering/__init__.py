"""Rules that steer hidden states."""
