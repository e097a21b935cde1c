"""Cue sets: where in the thinking to look."""
