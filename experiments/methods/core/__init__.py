"""What methods are made of: contract, context, sweep, accounting."""
