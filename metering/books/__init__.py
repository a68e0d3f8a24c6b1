"""SQLModel tables and every query over them, one file per aggregate."""
