"""Shared cost: take its files into force, and say how pools stand."""
