"""Pachyderm pipeline specs, the same for the embedded engine and a cluster."""
