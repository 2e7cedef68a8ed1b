"""What each verb of the command line does; `pipelines/cli/` declares what it takes."""
