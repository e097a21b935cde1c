"""Rules that change the logits."""
