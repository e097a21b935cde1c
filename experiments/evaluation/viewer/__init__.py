"""Every test trace on a page, readable: cues, scores, forced answers, and where rules left."""
