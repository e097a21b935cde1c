"""Measurements that the README quotes: ratios taken in one run on this machine."""
