"""What changes the model's next-token logits while it thinks."""
