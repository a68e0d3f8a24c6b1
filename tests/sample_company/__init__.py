"""Lindqvist Freight, a company that does not exist: the generator of `sample_logs/`."""
