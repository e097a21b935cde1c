"""Trackers: where numbers go while something runs."""
