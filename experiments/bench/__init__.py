"""Benchmarks: what the documentation quotes as ratios, measured in one run on one machine."""
