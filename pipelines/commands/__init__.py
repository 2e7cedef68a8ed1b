"""What each verb of the command line does; `pipelines/cli.py` declares what it takes."""
