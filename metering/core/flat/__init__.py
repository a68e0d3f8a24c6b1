"""Flat money: seats, credit paid beforehand, commitments and capacity."""
