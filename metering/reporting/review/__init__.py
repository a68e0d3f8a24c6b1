"""The monthly finance review, and its faces."""
