"""Calibrators: from a table of losses to one threshold with a guarantee."""
