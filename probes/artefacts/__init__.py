"""Files of our own making: JSON and tensors, checked when read, never written by half."""
