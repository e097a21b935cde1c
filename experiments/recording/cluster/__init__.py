"""Several processes that record one run together."""
