"""A controller in service: audited requests, a decision log, the same over any engine."""
