"""Rules that let a second model write."""
