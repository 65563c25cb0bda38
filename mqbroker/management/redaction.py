"""What operators have set, without the passwords in it."""


def redacted(value: object) -> object:
    """A value without what stands between `//` and `@` in URIs: passwords."""
    if isinstance(value, str) and "://" in value and "@" in value:
        scheme, _, rest = value.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"
    if isinstance(value, dict):
        return {name: redacted(part) for name, part in value.items()}
    return [redacted(part) for part in value] if isinstance(value, list) else value
