"""The base of every error that is meant for a person."""


class PromptsheetError(Exception):
    """Something cannot be done; the message says what, why, and what to do about it."""
