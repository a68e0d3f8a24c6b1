"""Findings: work them out, and keep what was said of each."""
