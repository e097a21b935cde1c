"""Drafts for self-speculation: cheap guesses by the model's own layers, verified by all of them."""
