"""A library held against its files, and put right again."""
