"""The heavy statements and who runs them."""
