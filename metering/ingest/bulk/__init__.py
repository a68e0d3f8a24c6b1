"""Bulk formats, read relationally: layouts, and the SQL that is made of them."""
