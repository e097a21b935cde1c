"""Probes: light classifiers from a hidden state to "stopping now would be right"."""
