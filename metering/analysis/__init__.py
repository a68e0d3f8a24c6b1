"""Numbers in, findings with evidence out."""
