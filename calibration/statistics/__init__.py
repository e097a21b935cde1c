"""What certificates stand on: bounds, p-values, intervals, bootstrap."""
