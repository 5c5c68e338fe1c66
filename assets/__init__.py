"""What Promptsheet ships as data: the built-in model, the model list, example sheets."""
