"""Pure: which models there are, and what each can draw."""
