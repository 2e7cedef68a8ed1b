"""The synthetic fleet: logs with planted causes of failure, and what a report on them must find."""
