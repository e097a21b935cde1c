"""Rules over several samples of one problem: which to stop, and how much each vote counts."""
