"""From pushed logs to a risk report: ingest, steps, specs, the embedded engine, the command line."""
