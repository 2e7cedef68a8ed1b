"""Unknown logs looked at: what they hold, how good their clocks are, and a forewarn.toml to start with."""
