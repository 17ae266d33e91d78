from cho.onboarding.v1 import onboarding_pb2 as _onboarding_pb2
from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Form(_message.Message):
    __slots__ = ("request_id", "market_id", "stall", "name", "category_code", "owner_id", "phone", "person_name", "birth_date", "sex", "address", "citizen_id", "citizen_issued", "citizen_expires", "tax_code", "enterprise_kind", "settlement_account", "documents")
    class DocumentsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_ID_FIELD_NUMBER: _ClassVar[int]
    STALL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_CODE_FIELD_NUMBER: _ClassVar[int]
    OWNER_ID_FIELD_NUMBER: _ClassVar[int]
    PHONE_FIELD_NUMBER: _ClassVar[int]
    PERSON_NAME_FIELD_NUMBER: _ClassVar[int]
    BIRTH_DATE_FIELD_NUMBER: _ClassVar[int]
    SEX_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CITIZEN_ID_FIELD_NUMBER: _ClassVar[int]
    CITIZEN_ISSUED_FIELD_NUMBER: _ClassVar[int]
    CITIZEN_EXPIRES_FIELD_NUMBER: _ClassVar[int]
    TAX_CODE_FIELD_NUMBER: _ClassVar[int]
    ENTERPRISE_KIND_FIELD_NUMBER: _ClassVar[int]
    SETTLEMENT_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    DOCUMENTS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    market_id: str
    stall: str
    name: str
    category_code: str
    owner_id: str
    phone: str
    person_name: str
    birth_date: str
    sex: str
    address: str
    citizen_id: str
    citizen_issued: str
    citizen_expires: str
    tax_code: str
    enterprise_kind: str
    settlement_account: _onboarding_pb2.SettlementAccount
    documents: _containers.ScalarMap[str, str]
    def __init__(self, request_id: _Optional[str] = ..., market_id: _Optional[str] = ..., stall: _Optional[str] = ..., name: _Optional[str] = ..., category_code: _Optional[str] = ..., owner_id: _Optional[str] = ..., phone: _Optional[str] = ..., person_name: _Optional[str] = ..., birth_date: _Optional[str] = ..., sex: _Optional[str] = ..., address: _Optional[str] = ..., citizen_id: _Optional[str] = ..., citizen_issued: _Optional[str] = ..., citizen_expires: _Optional[str] = ..., tax_code: _Optional[str] = ..., enterprise_kind: _Optional[str] = ..., settlement_account: _Optional[_Union[_onboarding_pb2.SettlementAccount, _Mapping]] = ..., documents: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Problem(_message.Message):
    __slots__ = ("field", "code", "vi", "en")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    VI_FIELD_NUMBER: _ClassVar[int]
    EN_FIELD_NUMBER: _ClassVar[int]
    field: str
    code: str
    vi: str
    en: str
    def __init__(self, field: _Optional[str] = ..., code: _Optional[str] = ..., vi: _Optional[str] = ..., en: _Optional[str] = ...) -> None: ...

class SaveDraftRequest(_message.Message):
    __slots__ = ("form", "version")
    FORM_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    form: Form
    version: int
    def __init__(self, form: _Optional[_Union[Form, _Mapping]] = ..., version: _Optional[int] = ...) -> None: ...

class SaveDraftResponse(_message.Message):
    __slots__ = ("merchant", "problems")
    MERCHANT_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    merchant: _onboarding_pb2.Merchant
    problems: _containers.RepeatedCompositeFieldContainer[Problem]
    def __init__(self, merchant: _Optional[_Union[_onboarding_pb2.Merchant, _Mapping]] = ..., problems: _Optional[_Iterable[_Union[Problem, _Mapping]]] = ...) -> None: ...

class SubmitMerchantRequest(_message.Message):
    __slots__ = ("merchant_id",)
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    def __init__(self, merchant_id: _Optional[str] = ...) -> None: ...

class SubmitMerchantResponse(_message.Message):
    __slots__ = ("merchant",)
    MERCHANT_FIELD_NUMBER: _ClassVar[int]
    merchant: _onboarding_pb2.Merchant
    def __init__(self, merchant: _Optional[_Union[_onboarding_pb2.Merchant, _Mapping]] = ...) -> None: ...

class GetChecklistRequest(_message.Message):
    __slots__ = ("merchant_id",)
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    def __init__(self, merchant_id: _Optional[str] = ...) -> None: ...

class GetChecklistResponse(_message.Message):
    __slots__ = ("problems",)
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    problems: _containers.RepeatedCompositeFieldContainer[Problem]
    def __init__(self, problems: _Optional[_Iterable[_Union[Problem, _Mapping]]] = ...) -> None: ...

class ReadCitizenCardRequest(_message.Message):
    __slots__ = ("payload",)
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    payload: str
    def __init__(self, payload: _Optional[str] = ...) -> None: ...

class ReadCitizenCardResponse(_message.Message):
    __slots__ = ("citizen_id", "old_number", "person_name", "birth_date", "sex", "address", "citizen_issued", "citizen_expires")
    CITIZEN_ID_FIELD_NUMBER: _ClassVar[int]
    OLD_NUMBER_FIELD_NUMBER: _ClassVar[int]
    PERSON_NAME_FIELD_NUMBER: _ClassVar[int]
    BIRTH_DATE_FIELD_NUMBER: _ClassVar[int]
    SEX_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CITIZEN_ISSUED_FIELD_NUMBER: _ClassVar[int]
    CITIZEN_EXPIRES_FIELD_NUMBER: _ClassVar[int]
    citizen_id: str
    old_number: str
    person_name: str
    birth_date: str
    sex: str
    address: str
    citizen_issued: str
    citizen_expires: str
    def __init__(self, citizen_id: _Optional[str] = ..., old_number: _Optional[str] = ..., person_name: _Optional[str] = ..., birth_date: _Optional[str] = ..., sex: _Optional[str] = ..., address: _Optional[str] = ..., citizen_issued: _Optional[str] = ..., citizen_expires: _Optional[str] = ...) -> None: ...

class UploadDocumentRequest(_message.Message):
    __slots__ = ("merchant_id", "kind", "content")
    MERCHANT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    merchant_id: str
    kind: str
    content: bytes
    def __init__(self, merchant_id: _Optional[str] = ..., kind: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...

class UploadDocumentResponse(_message.Message):
    __slots__ = ("sha256", "content_type", "width", "height")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    CONTENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    sha256: str
    content_type: str
    width: int
    height: int
    def __init__(self, sha256: _Optional[str] = ..., content_type: _Optional[str] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...
