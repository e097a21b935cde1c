"""A run as one page that anyone can read: what was recorded, compared, promised and seen."""
