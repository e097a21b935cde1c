"""Classifiers of other libraries where a probe is asked for."""
