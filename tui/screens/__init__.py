"""The screens: one area each (Sheet, Jobs, Review, Sessions), and the dialogs over them.

A screen owns its widgets and its state, and is made of helpers with one job each; what is slow runs
in a thread, which hands its result back as one frozen message. A screen's styles stand in its
class. Begin with `area`.
"""
