"""Talking to the engine process of a library from any other process, and starting it.

Begin with `route`, which takes a `connection`, or where another host has the library its spool
(`elsewhere`); `follow` tells what happens. Nothing here knows the server's modules.
"""
