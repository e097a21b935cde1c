"""Layer exits on tasks: fit a rule, certify its threshold, run it, compare published rules."""
