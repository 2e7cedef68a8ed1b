"""A compiled scanner for plain JSON messages: what it cannot read at once, the exact parser reads."""
