"""The actions about text messages: settings, numbers that want none, and the sandbox."""

from mqbroker.aws.front.call import Call
from mqbroker.aws.limits import SNS_LIST_RESULTS_MAX, SNS_SANDBOX_NUMBERS_MAX
from mqbroker.aws.sns import refusals
from mqbroker.aws.sns.direct import DirectSender
from mqbroker.aws.sns.paging import page_of
from mqbroker.aws.sns.protocols import is_phone_number
from mqbroker.aws.sns.service import NewId, SnsService
from mqbroker.aws.sns.signer import Signer
from mqbroker.aws.sns.sms import PENDING, VERIFIED, SmsAccount, SmsAccounts
from mqbroker.errors import AwsError

_KNOWN = frozenset((
    "MonthlySpendLimit", "DeliveryStatusIAMRole", "DeliveryStatusSuccessSamplingRate", "DefaultSenderID",
    "DefaultSMSType", "UsageReportS3Bucket",
))  # fmt: skip
_DEFAULTS = {"MonthlySpendLimit": "1"}
_TYPES = ("Promotional", "Transactional")
_CODE_DIGITS = 6


class SmsActions:
    """CheckIfPhoneNumberIsOptedOut to VerifySMSSandboxPhoneNumber."""

    def __init__(
        self, service: SnsService, accounts: SmsAccounts, signer: Signer, direct: DirectSender, new_id: NewId
    ) -> None:
        self._service = service
        self._accounts = accounts
        self._signer = signer
        self._direct = direct
        self._new_id = new_id

    def _account(self, call: Call) -> SmsAccount:
        self._service.check_account(call)
        return self._accounts.of(call.caller.account)

    def _changed(self, call: Call) -> None:
        self._accounts.keep(call.caller.account)
        self._service.answer_when_safe(call, {})

    # --- settings -----------------------------------------------------------------------------------------------------

    def get_sms_attributes(self, call: Call) -> None:
        """GetSMSAttributes."""
        names = call.parameters.get("attributes", [])
        found = _DEFAULTS | self._account(call).attributes
        call.answer({"attributes": {name: text for name, text in found.items() if not names or name in names}})

    def set_sms_attributes(self, call: Call) -> None:
        """SetSMSAttributes."""
        account = self._account(call)
        given: dict[str, str] = call.parameters["attributes"]
        for name in given:
            if name not in _KNOWN:
                raise refusals.invalid_plain(f"{name} is not a valid attribute")
        if given.get("DefaultSMSType", _TYPES[0]) not in _TYPES:
            raise refusals.invalid_plain("DefaultSMSType is invalid")
        account.attributes |= given
        self._changed(call)

    # --- opting out ---------------------------------------------------------------------------------------------------

    def check_if_phone_number_is_opted_out(self, call: Call) -> None:
        """CheckIfPhoneNumberIsOptedOut."""
        phone = _phone(call.parameters["phoneNumber"], "phoneNumber")
        call.answer({"isOptedOut": phone in self._account(call).opted_out})

    def list_phone_numbers_opted_out(self, call: Call) -> None:
        """ListPhoneNumbersOptedOut."""
        numbers = list(self._account(call).opted_out)
        page, token = page_of(numbers, call.parameters.get("nextToken"), str)
        call.answer({"phoneNumbers": page, "nextToken": token})

    def opt_in_phone_number(self, call: Call) -> None:
        """OptInPhoneNumber."""
        phone = _phone(call.parameters["phoneNumber"], "phoneNumber")
        self._account(call).opted_out.pop(phone, None)
        self._changed(call)

    # --- the sandbox --------------------------------------------------------------------------------------------------

    def get_sms_sandbox_account_status(self, call: Call) -> None:
        """GetSMSSandboxAccountStatus."""
        call.answer({"IsInSandbox": bool(self._account(call).sandbox)})

    def create_sms_sandbox_phone_number(self, call: Call) -> None:
        """CreateSMSSandboxPhoneNumber: sends a code to the number."""
        phone = _phone(call.parameters["PhoneNumber"], "PhoneNumber")
        account = self._account(call)
        if len(account.sandbox) >= SNS_SANDBOX_NUMBERS_MAX and phone not in account.sandbox:
            raise AwsError("UserError", "The sandbox has as many phone numbers as it may have.")
        text = f"Your verification code is {self._code(call, phone)}"
        self._direct.send_to(call.caller.account, phone, text, self._new_id(), call.now)
        account.sandbox.setdefault(phone, PENDING)
        self._changed(call)

    def verify_sms_sandbox_phone_number(self, call: Call) -> None:
        """VerifySMSSandboxPhoneNumber."""
        phone = _phone(call.parameters["PhoneNumber"], "PhoneNumber")
        account = self._account(call)
        if phone not in account.sandbox:
            raise AwsError("ResourceNotFound", "The phone number is not in the sandbox.", status=404)
        if call.parameters["OneTimePassword"] != self._code(call, phone):
            raise AwsError("VerificationException", "The one-time password is not valid.")
        account.sandbox[phone] = VERIFIED
        self._changed(call)

    def _code(self, call: Call, phone: str) -> str:
        return str(int(self._signer.token("sandbox", call.caller.account, phone)[:12], 16))[-_CODE_DIGITS:]

    def delete_sms_sandbox_phone_number(self, call: Call) -> None:
        """DeleteSMSSandboxPhoneNumber."""
        phone = _phone(call.parameters["PhoneNumber"], "PhoneNumber")
        if self._account(call).sandbox.pop(phone, None) is None:
            raise AwsError("ResourceNotFound", "The phone number is not in the sandbox.", status=404)
        self._changed(call)

    def list_sms_sandbox_phone_numbers(self, call: Call) -> None:
        """ListSMSSandboxPhoneNumbers."""
        sandbox = self._account(call).sandbox
        most = call.parameters.get("MaxResults", SNS_LIST_RESULTS_MAX)
        if not 1 <= most <= SNS_LIST_RESULTS_MAX:
            raise refusals.invalid("MaxResults")
        page, token = page_of(list(sandbox), call.parameters.get("NextToken"), str, most)
        call.answer({
            "PhoneNumbers": [{"PhoneNumber": phone, "Status": sandbox[phone]} for phone in page], "NextToken": token
        })  # fmt: skip

    def list_origination_numbers(self, call: Call) -> None:
        """ListOriginationNumbers: the gateway has them, if anybody."""
        self._account(call)
        call.answer({"PhoneNumbers": []})


def _phone(text: str, parameter: str) -> str:
    if not text.startswith("+") or not is_phone_number(text):
        raise refusals.invalid(f"{parameter} Reason: input incorrectly formatted")
    return text
