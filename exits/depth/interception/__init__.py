"""Between a model and its layers: gates, layer calls, attachment."""
