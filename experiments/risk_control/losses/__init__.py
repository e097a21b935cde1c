"""Losses: what an exit costs on one problem; the promise is about their mean over problems."""
