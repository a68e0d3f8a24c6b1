"""Pulls providers' exports over their APIs into files; `ingest` then reads the files.

Nothing here knows what an export means. A pull saves the provider's answers as they came, so that
what was recorded can be read again from what was said.
"""
