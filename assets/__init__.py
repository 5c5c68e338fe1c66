"""What Promptsheet ships as data: the built-in model, the model list, words, example sheets.

Read through importlib.resources. `train` made the built-in model and is not part of the installed
app.
"""
