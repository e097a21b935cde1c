"""Rules that decide before the thinking begins."""
