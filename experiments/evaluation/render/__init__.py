"""A comparison as text, HTML and pages."""
