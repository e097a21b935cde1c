"""Validation: does the promise hold, over hundreds of re-drawn calibration sets?"""
