"""Rules that spend more where it pays: steps written anew, answers verified and sent back."""
