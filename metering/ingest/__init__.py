"""A source file in, usage batches and rejections out; knows no database."""
