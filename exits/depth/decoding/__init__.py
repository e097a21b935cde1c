"""The token loop for one prompt, its passes, cache and text."""
