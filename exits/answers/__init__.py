"""Short answers as they are compared without a grader: numbers by value, words by their text."""
