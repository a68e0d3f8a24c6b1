"""Freeze a period, and write what finance and reviewers read."""
