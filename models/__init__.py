"""Failure models: split, train, evaluate, calibrate, explain.

LightGBM's OpenMP threads spin while they wait; beside other busy processes that costs five times the work
itself (measured: 407 against 76 ms a round). They are told to sleep instead, before the library is loaded.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
