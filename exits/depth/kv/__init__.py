"""What is written to the KV cache for the layers that a token skipped."""
