"""Engines: the same controller inside different generation loops."""
