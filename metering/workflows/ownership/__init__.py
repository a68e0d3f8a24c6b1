"""Owners: take rules and the directory into force, and check them by the usage there is."""
