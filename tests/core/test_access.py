"""Permissions: denied unless allowed, in RabbitMQ 3.10.8's words."""

import pytest

from mqbroker.core.access.access import Access, Permissions, TopicPermissions
from mqbroker.core.rabbitmq.quotas import UserLimits
from mqbroker.errors import AccessRefused, NotAllowed, NotFound, PreconditionFailed


def access(configure: str = "", write: str = "", read: str = "") -> Access:
    made = Access()
    made.put_user("u", "", ["monitoring"])
    made.set_permissions("u", "/", Permissions(configure, write, read))
    return made


def test_who_has_no_permission_in_a_vhost_is_refused_there() -> None:
    made = access()
    made.check_vhost("u", "/")
    for user, vhost in (("u", "v"), ("stranger", "/")):
        with pytest.raises(NotAllowed) as refusal:
            made.check_vhost(user, vhost)
        assert str(refusal.value) == f"access to vhost '{vhost}' refused for user '{user}'"


@pytest.mark.parametrize("kind", ["queue", "exchange"])
def test_a_refusal_names_the_resource_the_vhost_and_the_user(kind: str) -> None:
    with pytest.raises(AccessRefused) as refusal:
        access("^a").check_configure("u", "/", kind, "q")
    assert str(refusal.value) == f"access to {kind} 'q' in vhost '/' refused for user 'u'"


def test_each_action_has_a_pattern_of_its_own() -> None:
    made = access("^c", "^w", "^r")
    made.check_configure("u", "/", "queue", "c1")
    made.check_write("u", "/", "queue", "w1")
    made.check_read("u", "/", "queue", "r1")
    for check, name in ((made.check_configure, "w1"), (made.check_write, "r1"), (made.check_read, "c1")):
        with pytest.raises(AccessRefused):
            check("u", "/", "queue", name)


@pytest.mark.parametrize(
    ("pattern", "name", "allowed"),
    [
        ("", "q", False),
        ("", "", True),
        (".*", "anything", True),
        ("b", "abc", True),
        ("^b", "abc", False),
        ("^a$", "a", True),
        ("^(amq\\.gen.*|amq\\.default)$", "amq.gen-xyz", True),
        ("^[[:alpha:]]+$", "abc", True),
    ],
)
def test_a_pattern_is_searched_for_and_an_empty_one_allows_nothing(pattern: str, name: str, allowed: bool) -> None:
    made = access(pattern)
    for _ in range(2):  # the second answer is remembered
        if allowed:
            made.check_configure("u", "/", "queue", name)
        else:
            with pytest.raises(AccessRefused):
                made.check_configure("u", "/", "queue", name)


def test_the_exchange_without_a_name_is_called_amq_default() -> None:
    access(write="amq.default").check_write("u", "/", "exchange", "")
    with pytest.raises(AccessRefused) as refusal:
        access(write="^x").check_write("u", "/", "exchange", "")
    assert str(refusal.value) == "access to exchange 'amq.default' in vhost '/' refused for user 'u'"


def test_a_change_of_permissions_counts_at_once() -> None:
    made = access(read=".*")
    made.check_read("u", "/", "queue", "q")
    generation = made.generation
    made.set_permissions("u", "/", Permissions("", "", ""))
    with pytest.raises(AccessRefused):
        made.check_read("u", "/", "queue", "q")
    made.set_permissions("u", "/", Permissions("", "", ".*"))
    made.check_read("u", "/", "queue", "q")
    assert made.clear_permissions("u", "/")
    assert not made.clear_permissions("u", "/")
    with pytest.raises(AccessRefused):
        made.check_read("u", "/", "queue", "q")
    assert made.generation > generation


def test_a_deleted_user_and_a_deleted_vhost_take_everything_with_them() -> None:
    made = access(".*", ".*", ".*")
    made.set_topic_permissions("u", "/", "amq.topic", TopicPermissions("a", "b"))
    made.forget_vhost("/")
    with pytest.raises(NotAllowed):
        made.check_vhost("u", "/")
    assert made.user("u").topic_permissions == {}
    made.set_permissions("u", "/", Permissions(".*", ".*", ".*"))
    assert made.delete_user("u").name == "u"
    with pytest.raises(AccessRefused):
        made.check_read("u", "/", "queue", "q")
    with pytest.raises(AccessRefused):
        made.check_topic_write("u", "/", "amq.topic", "key")
    made.put_user("u", "")
    with pytest.raises(AccessRefused):
        made.check_read("u", "/", "queue", "q")


def test_unknown_users_cannot_be_changed() -> None:
    made = Access()
    with pytest.raises(NotFound, match="no user 'u'"):
        made.set_permissions("u", "/", Permissions("", "", ""))
    with pytest.raises(NotFound):
        made.delete_user("u")


def test_a_bad_pattern_is_refused_and_changes_nothing() -> None:
    made = access(read="q")
    with pytest.raises(PreconditionFailed, match="pattern should be regular expression but is invalid"):
        made.set_permissions("u", "/", Permissions("", "(", ""))
    made.check_read("u", "/", "queue", "q")
    with pytest.raises(PreconditionFailed):
        made.set_topic_permissions("u", "/", "x", TopicPermissions("", "["))


def test_a_user_keeps_permissions_when_put_again() -> None:
    made = access(read="q")
    made.put_user("u", "hash", ["impersonator"])
    assert made.user("u").is_impersonator
    made.set_limits("u", UserLimits(max_channels=3))
    assert made.user("u").limits.max_channels == 3
    made.check_read("u", "/", "queue", "q")


# --- access keys ----------------------------------------------------------------------------------------------------

KEY = "AKIAIOSFODNN7EXAMPLE"
ACCOUNT = "111122223333"


def test_access_keys_belong_to_users() -> None:
    made = access()
    key = made.put_access_key("u", KEY, "secret", ACCOUNT)
    assert (key.id, key.user, key.secret, key.account) == (KEY, "u", "secret", ACCOUNT)
    assert made.access_keys[KEY] is key
    assert made.access_keys_of("u") == [key]
    assert made.access_keys_of("v") == []
    assert made.put_access_key("u", KEY, "another", ACCOUNT) is not key
    made.put_user("v", "")
    with pytest.raises(PreconditionFailed, match=f"access key '{KEY}' belongs to another user"):
        made.put_access_key("v", KEY, "secret", ACCOUNT)
    with pytest.raises(NotFound, match="no user 'w'"):
        made.put_access_key("w", KEY, "secret", ACCOUNT)


def test_an_access_key_goes_by_itself_or_with_its_user() -> None:
    made = access()
    made.put_access_key("u", KEY, "secret", ACCOUNT)
    made.delete_access_key(KEY)
    with pytest.raises(NotFound, match=f"no access key '{KEY}'"):
        made.delete_access_key(KEY)
    made.put_access_key("u", KEY, "secret", ACCOUNT)
    made.delete_user("u")
    assert made.access_keys == {}


@pytest.mark.parametrize(
    ("key_id", "secret", "account", "reason"),
    [
        ("A" * 15, "s", ACCOUNT, "must be 16 to 128 letters, digits or underscores"),
        ("A" * 129, "s", ACCOUNT, "must be 16 to 128 letters, digits or underscores"),
        ("A" * 15 + "/", "s", ACCOUNT, "must be 16 to 128 letters, digits or underscores"),
        ("A" * 16 + "\n", "s", ACCOUNT, "must be 16 to 128 letters, digits or underscores"),
        ("Ä" * 16, "s", ACCOUNT, "must be 16 to 128 letters, digits or underscores"),
        ("A" * 16, "", ACCOUNT, "needs a secret that is not empty"),
        ("A" * 16, "s", "1234", "needs an account of 12 digits, not '1234'"),
        ("A" * 16, "s", "\uff11" * 12, "needs an account of 12 digits"),
    ],
)
def test_a_bad_access_key_is_refused(key_id: str, secret: str, account: str, reason: str) -> None:
    made = access()
    with pytest.raises(PreconditionFailed, match=reason):
        made.put_access_key("u", key_id, secret, account)
    assert made.access_keys == {}


def test_a_secret_is_not_shown() -> None:
    assert "hunter2" not in repr(access().put_access_key("u", KEY, "hunter2", ACCOUNT))


# --- topics ---------------------------------------------------------------------------------------------------------


def topics(write: str, read: str) -> Access:
    made = access(".*", ".*", ".*")
    made.set_topic_permissions("u", "/", "amq.topic", TopicPermissions(write, read))
    return made


def test_topics_are_not_restricted_until_they_are() -> None:
    made = access(".*", ".*", ".*")
    made.check_topic_write("u", "/", "amq.topic", "anything")
    made.set_topic_permissions("u", "/", "amq.topic", TopicPermissions("^w", "^r"))
    made.check_topic_write("u", "/", "other", "anything")
    made.check_topic_write("u", "/", "amq.topic", "w.x")
    made.check_topic_read("u", "/", "amq.topic", "r.x")
    with pytest.raises(AccessRefused) as refusal:
        made.check_topic_write("u", "/", "amq.topic", "other")
    assert str(refusal.value) == "access to topic 'other' in exchange 'amq.topic' in vhost '/' refused for user 'u'"
    assert made.clear_topic_permissions("u", "/", "amq.topic")
    made.check_topic_write("u", "/", "amq.topic", "other")


def test_an_empty_topic_pattern_allows_nothing() -> None:
    with pytest.raises(AccessRefused):
        topics("", ".*").check_topic_write("u", "/", "amq.topic", "key")


def test_variables_are_filled_in() -> None:
    made = topics("^{username}\\.{client_id}\\.", "^{vhost}")
    made.check_topic_write("u", "/", "amq.topic", "u.c1.x", {"client_id": "c1"})
    with pytest.raises(AccessRefused):
        made.check_topic_write("u", "/", "amq.topic", "u.c2.x", {"client_id": "c1"})
    made.check_topic_read("u", "/", "amq.topic", "/x")


@pytest.mark.parametrize("client_id", [".*", "(", "c|", "."])
def test_a_variable_is_no_regular_expression(client_id: str) -> None:
    made = topics("^{client_id}$", "^{client_id}$")
    with pytest.raises(AccessRefused):
        made.check_topic_write("u", "/", "amq.topic", "victim", {"client_id": client_id})


@pytest.mark.parametrize("client_id", ["#", "+", "*", "a#", "a+b"])
def test_a_variable_with_a_wildcard_grants_nothing(client_id: str) -> None:
    made = topics("^{client_id}\\.", "^{client_id}\\.")
    for check in (made.check_topic_read, made.check_topic_write):
        with pytest.raises(AccessRefused):
            check("u", "/", "amq.topic", f"{client_id}.x", {"client_id": client_id})
