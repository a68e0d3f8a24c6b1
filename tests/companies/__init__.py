"""Invented companies with labels, to measure the detectors against."""
