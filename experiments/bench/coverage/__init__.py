"""On which model types the toolkit works: ``check`` on a tiny random model of each."""
