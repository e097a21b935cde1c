"""Engines that write one text with two models of the same tokenizer."""
