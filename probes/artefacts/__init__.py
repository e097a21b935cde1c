"""Files of this project's own making: JSON and tensors, checked when read, never written by half."""
