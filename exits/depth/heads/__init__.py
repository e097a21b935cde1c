"""Heads: what is done to a middle layer's state before the model's own norm and unembedding."""
