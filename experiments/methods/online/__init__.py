"""Rules that change the text: the same problems, generated anew, measured like recorded ones."""
