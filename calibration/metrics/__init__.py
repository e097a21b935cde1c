"""What scores are worth: discrimination, reliability, risk against coverage."""
