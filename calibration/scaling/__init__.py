"""Score calibration: from a score to a probability that says what it means."""
