"""Calibrators that see cues, not problems; what they promise holds per cue only."""
