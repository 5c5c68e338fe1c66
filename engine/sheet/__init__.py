"""Pure: what a sheet may hold, reading it, checking every cell, repairing what is plain.

`columns` is the one place that says which columns there are. Files are read in a guarded child
process (`read` starts it, `reader` is it). A sheet under the user's hands is an `editing.Draft`;
`copying` writes a corrected copy of its file, in another child (`copy_writer`), by edits of the
XML within its `package`.
What models can do comes in as a `vocabulary`; no model is known here. Begin with `columns` and
`check`.
"""
