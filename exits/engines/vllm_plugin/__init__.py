"""Exits inside vLLM: ``PROBEXIT_CONTROLLER=FOLDER vllm serve MODEL``, and the offline ``LLM()``.

vLLM finds ``plugin.register`` by its entry point in every process that it starts. Nothing happens
unless ``PROBEXIT_CONTROLLER`` names a controller.
"""
