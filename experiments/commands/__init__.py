"""The commands of ``probexit``, one file each."""
