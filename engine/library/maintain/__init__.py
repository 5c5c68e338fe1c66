"""A library held against its files, and put right again; nothing is ever deleted here.

Begin with `verify`.
"""
