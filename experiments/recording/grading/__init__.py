"""Graders: take the answer out of a text, and tell whether two answers are the same."""
