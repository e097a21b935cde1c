"""Leave a token at a middle layer: layers skipped, with a bound on the risk or losslessly."""
