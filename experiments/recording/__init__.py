"""Recording: run the model once, keep what every later judgement needs."""
