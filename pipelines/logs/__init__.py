"""Readers of robot logs: archives, messages and tables become streams, quarantine and accounting."""
