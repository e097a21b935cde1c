"""Modes: what is done with a rule's decisions. One file each."""
