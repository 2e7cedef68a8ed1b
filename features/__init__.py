"""Failure-risk features from robot streams: pure functions, Arrow in, Arrow out."""
