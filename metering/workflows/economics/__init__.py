"""The economics of a period: read from the books, worked out by `analysis.economics`, in words."""
