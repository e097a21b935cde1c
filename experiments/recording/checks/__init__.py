"""What works on a model, tried on the model itself, each item against what the model does alone."""
