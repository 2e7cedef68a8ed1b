"""Jinja templates and the style of the report."""
