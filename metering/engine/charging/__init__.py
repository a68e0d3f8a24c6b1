"""From day cells to what ought to be charged, and what the book lacks of it."""
