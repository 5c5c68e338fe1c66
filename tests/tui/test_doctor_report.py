"""What `doctor` prints."""

from tui.doctor_report import section_lines


def test_what_doctor_found_is_said_in_words() -> None:
    found = {"library": {"exists": True, "network": False, "free bytes": 2_000}}
    assert [*section_lines(found)] == [
        "library",
        f"  {'exists':18} yes",
        f"  {'network':18} no",
        f"  {'free':18} 2.0 kB",
    ]
