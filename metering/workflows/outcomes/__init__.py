"""Outcomes: take them in, find their owners, and set spend against them."""
