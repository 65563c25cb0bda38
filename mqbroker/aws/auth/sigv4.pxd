cimport cython

from mqbroker.aws.auth.claim cimport Claim
from mqbroker.aws.auth.digests cimport sha256_hex
from mqbroker.aws.auth.signed_head cimport SignedHead
from mqbroker.aws.auth.signing_keys cimport SigningKey, SigningKeys


@cython.final
cdef class Verifier:
    cdef public object _keys
    cdef long long _clock_skew_s
    cdef readonly SigningKeys _signing_keys
    cdef readonly dict _claims

    @cython.locals(authorization=str, path=str)
    cpdef Claim verify(self, request, str service, long long now)
    @cython.locals(headers=dict, timestamp=str, stem=str, signature=str, claim=Claim)
    cdef Claim _verify_header(self, request, str authorization, str path, str query, str service, long long now)
    @cython.locals(timestamp=str, claim=Claim)
    cdef Claim _verify_query(self, request, str path, str query, str service, long long now)
    @cython.locals(signed_at="long long", now_s="long long")
    cdef _check_time(self, str timestamp, long long past_s, long long future_s, long long now)
    @cython.locals(signing_key=SigningKey, values=list, place=tuple, head=SignedHead, is_known=bint, expected=str)
    cdef _check_signature(self, Claim claim, str signature, request, str path, list pairs, str timestamp, str service)
    cdef SigningKey _signing_key(self, Claim claim, str timestamp, str service)


@cython.locals(present=tuple, name=str)
cdef _check_signed(Claim claim, dict headers)

cdef list _signed_values(Claim claim, dict headers)

cdef str _payload_hash(request)
