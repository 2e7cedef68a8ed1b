"""Failure models: split, train, evaluate, calibrate, explain."""
