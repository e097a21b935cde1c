"""How the shipped reasoner is trained, measured and described."""
