"""Unknown logs looked at: what they hold, how far their clocks can be trusted, and a forewarn.toml to start."""
