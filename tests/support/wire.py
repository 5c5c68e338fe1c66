"""Messages for tests."""

from engine.protocol.records import Tally


def tally(done: int, images: int = 12, session: str = "s") -> Tally:
    """Counts of a session, the rest waiting."""
    return Tally(session, images, images - done, 0, 0, 0, done, 0)
