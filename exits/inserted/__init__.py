"""Parameters inserted beside a frozen model, which read it and leave it as it is (Otter)."""
