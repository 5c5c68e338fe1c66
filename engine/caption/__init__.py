"""Pure: Ideogram 4's captions, the JSON that this model is prompted by.

What a caption may hold (`schema`), reading and mending one that a person wrote (`reading`), making
one from words and columns (`filling`), what a language model is asked for one (`question`), its
outline for a person (`outline`). Below sheets and plans, which both need it. Begin with `schema`.

The schema is that of the model's own prompting guide (docs/prompting.md of its repository), and of
the checker beside it.
"""
