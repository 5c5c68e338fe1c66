"""The pictures of README.md and the guide: the app, driven as a person would, and drawn.

`python -m tests.tour` makes them all again, into assets/screenshots. `painting` draws what a
terminal with sixel pictures would show, `film` keeps frames, `acts` says what is done.
"""
