"""The dashboard: pages and a JSON API over committed reports, robot-days, jobs and feedback."""
