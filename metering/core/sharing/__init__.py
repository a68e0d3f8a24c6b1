"""Shared cost: pools, how they are divided, and which files decide who pays on which days."""
