"""Times of ISO 8601 in texts of others."""

from datetime import UTC, datetime


def seconds_of(text: str) -> float:
    """Seconds since 1970; the time is UTC's where it names no zone. Raises ValueError."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
