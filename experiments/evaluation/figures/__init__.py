"""Figures of a run, one file each; every function returns a matplotlib ``Figure``."""
