"""Budgets and forecasts, for the company and its parts."""
