"""List prices as data: the generated seed and our overlay."""
