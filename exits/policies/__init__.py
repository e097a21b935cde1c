"""Policies: when to leave, as a pure function of the score history."""
