"""Brings a project to machines that others run: a Pachyderm cluster, a Kubernetes cluster."""
