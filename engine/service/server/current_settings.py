"""The settings as their file has them now, for the few that hold without a restart."""

from engine.settings import Settings, load_settings, settings_path


class CurrentSettings:
    """The settings an engine process was started with, until their file is changed.

    Nothing else follows what others change in it: which language model rewrites prompts, where
    public images are published, and where LoRAs are, can be mended while sessions wait for it.
    """

    def __init__(self, settings: Settings) -> None:
        """Args: settings: as they were loaded at the start."""
        self._settings = settings
        self._stamp = _stamp()

    def look(self) -> Settings:
        """What holds now.

        Raises:
            SettingsError: the file has changed, and cannot be used as it is.
        """
        stamp = _stamp()
        if stamp != self._stamp:
            self._settings = load_settings(self._settings.library)
            self._stamp = stamp
        return self._settings


def _stamp() -> tuple[int, int, int] | None:
    """What differs once the file was written; None: there is none to be read."""
    try:
        about = settings_path().stat()
    except OSError:
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino
