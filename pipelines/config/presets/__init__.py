"""What is known of kinds of fleets; see `pipelines.config.preset`."""
