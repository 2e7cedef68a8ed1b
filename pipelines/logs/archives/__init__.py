"""Archives of logs: what they hold, member by member, with nothing in them trusted."""
