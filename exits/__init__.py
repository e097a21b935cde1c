"""Exits: when to stop the thinking, replayed on recorded traces or live in generation."""
