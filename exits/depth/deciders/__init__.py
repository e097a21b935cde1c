"""Deciders: how sure one is, at a layer, that the token is already settled. One file each."""
