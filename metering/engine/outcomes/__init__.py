"""Outcomes netted, and the spend that is set against them."""
