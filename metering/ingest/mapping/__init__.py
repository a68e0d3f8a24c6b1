"""Formats of a house's own, described in a file instead of a module."""
