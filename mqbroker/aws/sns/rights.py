"""What each action of SNS needs: publishing is write, subscribing is read, what changes the topic itself is configure.

To see and change the attributes, to remove a permission and to delete the topic are the ways out for an owner.
"""

from collections.abc import Mapping

from mqbroker.aws.policy.authorization import Right

_SHARED = {
    "AddPermission": "configure",
    "DeleteTopic": "configure",
    "GetDataProtectionPolicy": "read",
    "GetTopicAttributes": "read",
    "ListSubscriptionsByTopic": "read",
    "Publish": "write",
    "PutDataProtectionPolicy": "configure",
    "Receive": "read",
    "RemovePermission": "configure",
    "SetTopicAttributes": "configure",
    "Subscribe": "read",
}
"""What a policy may give to another account."""
_OWN = {
    "CheckIfPhoneNumberIsOptedOut": "any",
    "ConfirmSubscription": "any",
    "CreatePlatformApplication": "configure",
    "CreatePlatformEndpoint": "configure",
    "CreateSMSSandboxPhoneNumber": "configure",
    "CreateTopic": "configure",
    "DeleteEndpoint": "configure",
    "DeletePlatformApplication": "configure",
    "DeleteSMSSandboxPhoneNumber": "configure",
    "GetEndpointAttributes": "any",
    "GetPlatformApplicationAttributes": "any",
    "GetSMSAttributes": "any",
    "GetSMSSandboxAccountStatus": "any",
    "GetSubscriptionAttributes": "read",
    "ListEndpointsByPlatformApplication": "any",
    "ListOriginationNumbers": "any",
    "ListPhoneNumbersOptedOut": "any",
    "ListPlatformApplications": "any",
    "ListSMSSandboxPhoneNumbers": "any",
    "ListSubscriptions": "any",
    "ListTagsForResource": "read",
    "ListTopics": "any",
    "OptInPhoneNumber": "configure",
    "SetEndpointAttributes": "configure",
    "SetPlatformApplicationAttributes": "configure",
    "SetSMSAttributes": "configure",
    "SetSubscriptionAttributes": "read",
    "TagResource": "configure",
    "Unsubscribe": "read",
    "UntagResource": "configure",
    "VerifySMSSandboxPhoneNumber": "configure",
}
_WAYS_OUT = ("DeleteTopic", "GetTopicAttributes", "RemovePermission", "SetTopicAttributes")


def _right(name: str, permission: str, is_shared: bool) -> Right:
    return Right(f"SNS:{name}", permission, is_shared, name in _WAYS_OUT)


SNS_RIGHTS: Mapping[str, Right] = {
    **{name: _right(name, permission, True) for name, permission in _SHARED.items()},
    **{name: _right(name, permission, False) for name, permission in _OWN.items()},
    "PublishBatch": _right("Publish", "write", True),
}
"""The rights of SNS's 42 actions, by their names."""
