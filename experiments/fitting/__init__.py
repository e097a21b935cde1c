"""From a recorded run to a fitted probe: splits, targets, fit, quality."""
