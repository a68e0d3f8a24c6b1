"""One frozen snapshot, many faces."""
