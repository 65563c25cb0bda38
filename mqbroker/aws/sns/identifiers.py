"""AWS's managed data identifiers that a look at the text is enough for: a form, and a check digit where there is one.

Those that AWS finds by words nearby (names, addresses, dates of birth, numbers of passports) are not known.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

Check = Callable[[str], bool]


class Identifier(NamedTuple):
    """One kind of data."""

    pattern: re.Pattern[str]
    is_right: Check
    """Whether what has the form is the data."""


def _any(_text: str) -> bool:
    return True


def _digits(text: str) -> list[int]:
    return [int(character) for character in text if character.isdigit()]


# --- check digits -----------------------------------------------------------------------------------------------------


def _luhn(text: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    digits = _digits(text)[::-1]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _npi(text: str) -> bool:
    """The number of a health care provider stands after the prefix of its issuer."""
    return _luhn(f"80840{text}")


def _iban(text: str) -> bool:
    """ISO 13616-1, annex B: letters are numbers from ten on, and the whole is 1 modulo 97."""
    plain = "".join(text.split()).upper()
    number = "".join(str(int(character, 36)) for character in plain[4:] + plain[:4])
    return int(number) % 97 == 1


def _weighted(text: str, weights: Iterable[int]) -> int:
    return sum(digit * weight for digit, weight in zip(_digits(text), weights, strict=False))


def _nhs(text: str) -> bool:
    return (11 - _weighted(text, range(10, 1, -1)) % 11) % 11 == _digits(text)[9]


def _cpf(text: str) -> bool:
    digits = _digits(text)
    expected = [_weighted(text, range(first, 1, -1)) * 10 % 11 % 10 for first in (10, 11)]
    return digits[9:] == expected and len(set(digits)) > 1


def _cnpj(text: str) -> bool:
    digits = _digits(text)

    def check(count: int) -> int:
        rest = _weighted(text, [(count - 1 - place) % 8 + 2 for place in range(count)]) % 11
        return 0 if rest < 2 else 11 - rest

    return digits[12:] == [check(12), check(13)] and len(set(digits)) > 1


def _dea(text: str) -> bool:
    digits = _digits(text)[-7:]
    return (sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


_NIF_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


def _nif(text: str) -> bool:
    """A number of Spain and the letter that follows from it; the first letter of a foreigner's is a digit."""
    plain = text.replace("-", "").upper()
    number = plain[:-1].translate(str.maketrans("XYZ", "012"))
    return _NIF_LETTERS[int(number) % 23] == plain[-1]


def _insee(text: str) -> bool:
    """France: the last two digits complement the rest modulo 97; the departments of Corsica have letters."""
    plain = "".join(text.split()).upper()
    number = int(plain[:13].replace("2A", "19").replace("2B", "18"))
    return 97 - number % 97 == int(plain[13:])


def _tax_de(text: str) -> bool:
    """ISO/IEC 7064, MOD 11,10."""
    product = 10
    digits = _digits(text)
    for digit in digits[:10]:
        total = (digit + product) % 10 or 10
        product = 2 * total % 11
    return (11 - product) % 10 == digits[10]


_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "12345678123457923456789"), strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def _vin(text: str) -> bool:
    """49 CFR 565.15: the ninth character follows from the others."""
    plain = text.upper()
    values = [_VIN_VALUES.get(each, -1) if each.isalpha() else int(each) for each in plain]
    total = sum(value * weight for value, weight in zip(values, _VIN_WEIGHTS, strict=True)) % 11
    return plain[8] == ("X" if total == 10 else str(total))


# --- forms ------------------------------------------------------------------------------------------------------------


def _alone(form: str, check: Check = _any) -> Identifier:
    """A form that is no part of a longer word or number."""
    return Identifier(re.compile(rf"(?<![A-Za-z0-9])(?:{form})(?![A-Za-z0-9])"), check)


def _account(country: str, groups: int, rest: int) -> Identifier:
    """An international bank account number: the country, two digits, so many groups of four and a rest."""
    return _alone(rf"{country}[0-9]{{2}}(?: ?[A-Z0-9]{{4}}){{{groups}}}(?: ?[A-Z0-9]{{{rest}}})", _iban)


def _private_key(kind: str) -> Identifier:
    """A private key in its armour."""
    end = rf"{kind}PRIVATE KEY(?: BLOCK)?-----"
    return Identifier(re.compile(rf"-----BEGIN {end}[^-]+-----END {end}"), _any)


_OCTET = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_PHONE_US = r"(?<![0-9+])(?:\+?1[ .-]?)?\(?[2-9][0-9]{2}\)?[ .-][2-9][0-9]{2}[ .-][0-9]{4}(?![0-9])"


def _phone(country: str, digits: str) -> Identifier:
    return Identifier(re.compile(rf"(?<![0-9+])(?:\+{country}[ -]?|0)[1-9](?:[ /.-]?[0-9]){digits}(?![0-9])"), _any)


IDENTIFIERS: Mapping[str, Identifier] = {
    "AwsSecretKey": Identifier(
        re.compile(r"(?<![A-Za-z0-9/+=])(?=[A-Za-z0-9/+]*[/+0-9])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"), _any
    ),
    "BankAccountNumber-DE": _account("DE", 4, 2),
    "BankAccountNumber-ES": _account("ES", 4, 4),
    "BankAccountNumber-FR": _account("FR", 5, 3),
    "BankAccountNumber-GB": _account("GB", 4, 2),
    "BankAccountNumber-IT": _account("IT", 5, 3),
    "Cnpj-BR": _alone(r"[0-9]{2}\.?[0-9]{3}\.?[0-9]{3}/?[0-9]{4}-?[0-9]{2}", _cnpj),
    "CpfCode-BR": _alone(r"[0-9]{3}\.?[0-9]{3}\.?[0-9]{3}-?[0-9]{2}", _cpf),
    "CreditCardNumber": Identifier(re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])"), _luhn),
    "DrugEnforcementAgencyNumber-US": _alone("[ABFGMPR][A-Z9][0-9]{7}", _dea),
    "EmailAddress": Identifier(re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+"), _any),
    "IndividualTaxIdentificationNumber-US": _alone("9[0-9]{2}-(?:5[0-9]|6[0-5]|[78][0-9]|9[0-24-9])-[0-9]{4}"),
    "InseeCode-FR": _alone("[12] ?[0-9]{2} ?[0-9]{2} ?(?:[0-9]{2}|2[AB]) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}", _insee),
    "IpAddress": Identifier(re.compile(rf"(?<![0-9.])(?:{_OCTET}\.){{3}}{_OCTET}(?![0-9.])"), _any),
    "NationalIdentificationNumber-IT": _alone("[A-Z]{6}[0-9]{2}[ABCDEHLMPRST][0-7][0-9][A-Z][0-9]{3}[A-Z]"),
    "NationalInsuranceNumber-GB": _alone(
        "(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: ?[0-9]{2}){3} ?[A-D]"
    ),
    "NationalProviderId-US": _alone("[12][0-9]{9}", _npi),
    "NhsNumber-GB": _alone("[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}", _nhs),
    "NieNumber-ES": _alone("[XYZ]-?[0-9]{7}-?[A-Z]", _nif),
    "NifNumber-ES": _alone("[0-9]{8}-?[A-Z]", _nif),
    "OpenSshPrivateKey": _private_key("OPENSSH "),
    "PgpPrivateKey": _private_key("PGP "),
    "PhoneNumber-DE": _phone("49", "{6,12}"),
    "PhoneNumber-ES": Identifier(re.compile(r"(?<![0-9+])(?:\+34[ -]?)?[6789](?:[ -]?[0-9]){8}(?![0-9])"), _any),
    "PhoneNumber-FR": _phone("33", "{8}"),
    "PhoneNumber-GB": _phone("44", "{8,9}"),
    "PhoneNumber-US": Identifier(re.compile(_PHONE_US), _any),
    "PkcsPrivateKey": _private_key("(?:RSA |EC |ENCRYPTED )?"),
    "PuttyPrivateKey": Identifier(
        # Each look for the end goes no further than the next beginning, so that many of these are no burden.
        re.compile(r"PuTTY-User-Key-File-[23]:(?:(?!PuTTY-User-Key)[^\0])+?Private-MAC: [0-9a-f]+"),
        _any,
    ),
    "SocialInsuranceNumber-CA": _alone("[0-9]{3}[ -][0-9]{3}[ -][0-9]{3}", _luhn),
    "Ssn-US": Identifier(
        re.compile(r"(?<![0-9-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![0-9-])"), _any
    ),
    "TaxId-DE": _alone("[1-9][0-9]{10}|[1-9][0-9](?: [0-9]{3}){3}", _tax_de),
    "VehicleIdentificationNumber": _alone("(?=[A-Z0-9]*[0-9])[A-HJ-NPR-Z0-9]{17}", _vin),
}
