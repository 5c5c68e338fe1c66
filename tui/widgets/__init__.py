"""Widgets of the app; each knows its own data only, none knows a screen."""
