"""Exit rules as presets: each chooses one member per slot, with its source and its defaults."""
