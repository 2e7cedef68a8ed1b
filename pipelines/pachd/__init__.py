"""The embedded pachd: versioned repos and incremental pipelines without a cluster."""
