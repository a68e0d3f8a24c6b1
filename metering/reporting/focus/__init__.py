"""The FOCUS cost and usage dataset that FinOps tools read."""
