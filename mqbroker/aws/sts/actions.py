"""The one action of STS that programs call before anything else: who am I?

Terraform and many scripts ask it to learn their account. There are no roles here and no session tokens, so there is
nothing else to ask STS for. As on AWS it needs no permission: a request that shows who sent it may know.
"""

from collections.abc import Mapping

from mqbroker.aws.front.call import Call
from mqbroker.aws.front.front import Handler


def get_caller_identity(call: Call) -> None:
    """GetCallerIdentity."""
    caller = call.caller
    call.answer({"UserId": caller.user_id, "Account": caller.account, "Arn": caller.arn})


HANDLERS: Mapping[str, Handler] = {"GetCallerIdentity": get_caller_identity}
