"""Rules over several samples of a problem."""
