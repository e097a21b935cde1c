"""The steps of ``probexit depth``, one file each."""
