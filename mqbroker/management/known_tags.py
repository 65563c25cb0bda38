"""The tags of users as they were, from which it follows what has become of a user when the broker tells of one."""

from collections.abc import Iterable, Mapping

from mqbroker.core.events import Event

CREATED, RETAGGED, PASSWORD_CHANGED = "created", "tags", "password"


class KnownTags:
    """Of one subscriber of events."""

    def __init__(self, users: Mapping[str, Iterable[str]]) -> None:
        """`users` are those that there are already, with their tags."""
        self._tags = {name: sorted(tags) for name, tags in users.items()}

    def take(self, event: Event) -> str:
        """What a `user.put` did: a user who was not there was made; otherwise what is not the tags is the password.
        Empty for other events."""
        if event.name == "user.deleted":
            self._tags.pop(str(event.fields["user"]), None)
        if event.name != "user.put":
            return ""
        name, tags = str(event.fields["user"]), event.fields["tags"]
        before = self._tags.get(name)
        self._tags[name] = list(tags) if isinstance(tags, list) else []
        if before is None:
            return CREATED
        return RETAGGED if before != tags else PASSWORD_CHANGED
