"""Controllers of both kinds on disk: members by name, configuration as JSON, fitted tensors."""
