"""One module per source of outcomes."""
