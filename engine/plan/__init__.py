"""Pure: rows to recipes to batches."""
