"""What writes the rollouts of a recording."""
