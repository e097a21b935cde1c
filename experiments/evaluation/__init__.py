"""All exit rules on the same test problems, in one table and as one set of curves."""
