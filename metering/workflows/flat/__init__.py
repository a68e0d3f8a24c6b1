"""Flat money: take its files into force, and say how they stand."""
