"""The app's own look, dark and light: calm grounds, and one accent for where one's hands are.

The accent is the cursor, the focus, the area that is looked at, and the keys that work. What a
thing means has a colour of its own: done, failed, repaired, at work. Every text reads on every
ground it stands on (WCAG contrast 4.5), which a test computes.
"""

from collections.abc import Mapping

from textual.theme import Theme

DARK, LIGHT = "promptsheet-dark", "promptsheet-light"


def _theme(
    name: str,
    *,
    grounds: tuple[str, str, str],
    texts: tuple[str, str],
    accent: str,
    meanings: Mapping[str, str],
    dark: bool,
) -> Theme:
    """A theme.

    Args:
        name: what the settings call it.
        grounds: of the page, of what lies on it (headers, dialogs), of the lines around them.
        texts: what is read, and what stands back.
        accent: where one's hands are.
        meanings: `success`, `warning`, `error`, `repaired`, `busy`.
        dark: whether it is.
    """
    background, surface, panel = grounds
    foreground, muted = texts
    return Theme(
        name=name,
        primary=meanings["busy"],
        accent=accent,
        secondary=meanings["repaired"],
        success=meanings["success"],
        warning=meanings["warning"],
        error=meanings["error"],
        foreground=foreground,
        background=background,
        surface=surface,
        panel=panel,
        dark=dark,
        variables={
            "text": foreground,
            "text-muted": muted,
            "text-primary": meanings["busy"],
            "text-accent": accent,
            "text-secondary": meanings["repaired"],
            "text-success": meanings["success"],
            "text-warning": meanings["warning"],
            "text-error": meanings["error"],
            "block-cursor-background": accent,
            "block-cursor-foreground": background,
            "block-hover-background": f"{foreground} 10%",
            "border": accent,
            "scrollbar-active": f"{muted} 80%",
            "link-background-hover": accent,
            "link-color-hover": background,
            "screen-selection-background": f"{accent} 35%",
            "block-cursor-blurred-background": f"{accent} 25%",
            "border-blurred": panel,
            "footer-key-foreground": accent,
            "footer-description-foreground": muted,
            "button-color-foreground": background,
            "scrollbar": f"{muted} 40%",
            "scrollbar-hover": f"{muted} 60%",
            "scrollbar-background": background,
            "input-selection-background": f"{accent} 35%",
        },
    )


THEMES = (
    _theme(
        DARK,
        grounds=("#15171c", "#1c1f26", "#282c35"),
        texts=("#dcdfe5", "#a6adba"),
        accent="#7cb7ff",
        meanings={
            "success": "#8fd18a",
            "warning": "#e8c26e",
            "error": "#ff9d94",
            "repaired": "#c8aeff",
            "busy": "#6ed6c8",
        },
        dark=True,
    ),
    _theme(
        LIGHT,
        grounds=("#fcfcfb", "#f3f4f6", "#e6e8ec"),
        texts=("#22262e", "#525a68"),
        accent="#0b57b0",
        meanings={
            "success": "#1b6630",
            "warning": "#785000",
            "error": "#ad1f28",
            "repaired": "#6437b0",
            "busy": "#0a6170",
        },
        dark=False,
    ),
)
