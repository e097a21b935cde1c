"""Exits inside SGLang: ``PROBEXIT_CONTROLLER=FOLDER python -m sglang.launch_server ...``.

Written against the source of SGLang 0.5.23 and tried on a stand-in of what it uses; docs/sglang.md
says what was run.
"""
