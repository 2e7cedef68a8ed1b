"""`python -m pipelines` is the `forewarn` command, for places without the script on PATH."""

from pipelines.cli import main

main()
