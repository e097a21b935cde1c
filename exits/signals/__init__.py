"""Signals: what is measured at a cue."""
