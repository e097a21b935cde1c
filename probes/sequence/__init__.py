"""Sequence probes: light models that read a thinking cue by cue and remember what came before."""
