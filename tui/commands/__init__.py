"""What each subcommand does: asks the library, prints JSON or words, says how it went.

A module declares its subcommands, with their arguments, in `register`. What they say is loaded
when they run: all of them are declared before the app's first paint. Begin with `session`; words
for people are in `tui.report`.
"""
