"""Verifiers: whether two steps of a thinking come to the same."""
