"""Engines that write a text step by step, and may write a step anew, ask aside or put text in."""
