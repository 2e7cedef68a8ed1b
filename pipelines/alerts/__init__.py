"""Alerts: rules make them from reports and jobs, receivers are told, people say what became of them.

`step` is pure: what is known and an observation make what is known next, and events. `book` keeps both in one
transaction, so that a killed process neither loses an alert nor makes it twice. `courier` delivers.
"""
