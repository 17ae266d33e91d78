import datetime

from cho.options.v1 import options_pb2 as _options_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.api import httpbody_pb2 as _httpbody_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Direction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIRECTION_UNSPECIFIED: _ClassVar[Direction]
    DIRECTION_IN: _ClassVar[Direction]
    DIRECTION_OUT: _ClassVar[Direction]
    DIRECTION_HELD: _ClassVar[Direction]
    DIRECTION_RELEASED: _ClassVar[Direction]
DIRECTION_UNSPECIFIED: Direction
DIRECTION_IN: Direction
DIRECTION_OUT: Direction
DIRECTION_HELD: Direction
DIRECTION_RELEASED: Direction

class StatementLine(_message.Message):
    __slots__ = ("at", "operation", "direction", "amount", "balance", "held", "counterparty", "transfer_id", "related_id", "reference", "note", "fee", "seq", "window")
    AT_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    COUNTERPARTY_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    RELATED_ID_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    at: _timestamp_pb2.Timestamp
    operation: str
    direction: Direction
    amount: int
    balance: int
    held: int
    counterparty: str
    transfer_id: str
    related_id: str
    reference: str
    note: str
    fee: int
    seq: int
    window: int
    def __init__(self, at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., operation: _Optional[str] = ..., direction: _Optional[_Union[Direction, str]] = ..., amount: _Optional[int] = ..., balance: _Optional[int] = ..., held: _Optional[int] = ..., counterparty: _Optional[str] = ..., transfer_id: _Optional[str] = ..., related_id: _Optional[str] = ..., reference: _Optional[str] = ..., note: _Optional[str] = ..., fee: _Optional[int] = ..., seq: _Optional[int] = ..., window: _Optional[int] = ...) -> None: ...

class GetStatementRequest(_message.Message):
    __slots__ = ("account_id", "until", "operations", "directions", "least_amount", "most_amount", "page_size", "page_token")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    DIRECTIONS_FIELD_NUMBER: _ClassVar[int]
    LEAST_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    MOST_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    until: _timestamp_pb2.Timestamp
    operations: _containers.RepeatedScalarFieldContainer[str]
    directions: _containers.RepeatedScalarFieldContainer[Direction]
    least_amount: int
    most_amount: int
    page_size: int
    page_token: str
    def __init__(self, account_id: _Optional[str] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., operations: _Optional[_Iterable[str]] = ..., directions: _Optional[_Iterable[_Union[Direction, str]]] = ..., least_amount: _Optional[int] = ..., most_amount: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., **kwargs) -> None: ...

class GetStatementResponse(_message.Message):
    __slots__ = ("lines", "next_page_token", "opening_balance", "closing_balance", "total_in", "total_out", "as_of_seq")
    LINES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    OPENING_BALANCE_FIELD_NUMBER: _ClassVar[int]
    CLOSING_BALANCE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_IN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_OUT_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQ_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedCompositeFieldContainer[StatementLine]
    next_page_token: str
    opening_balance: int
    closing_balance: int
    total_in: int
    total_out: int
    as_of_seq: int
    def __init__(self, lines: _Optional[_Iterable[_Union[StatementLine, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., opening_balance: _Optional[int] = ..., closing_balance: _Optional[int] = ..., total_in: _Optional[int] = ..., total_out: _Optional[int] = ..., as_of_seq: _Optional[int] = ...) -> None: ...

class DownloadStatementRequest(_message.Message):
    __slots__ = ("account_id", "until")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    until: _timestamp_pb2.Timestamp
    def __init__(self, account_id: _Optional[str] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., **kwargs) -> None: ...

class GetBalanceAtRequest(_message.Message):
    __slots__ = ("account_id", "at")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    at: _timestamp_pb2.Timestamp
    def __init__(self, account_id: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetBalanceAtResponse(_message.Message):
    __slots__ = ("balance", "held")
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    balance: int
    held: int
    def __init__(self, balance: _Optional[int] = ..., held: _Optional[int] = ...) -> None: ...

class GetTrustStatementRequest(_message.Message):
    __slots__ = ("telecom", "day")
    TELECOM_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    telecom: str
    day: str
    def __init__(self, telecom: _Optional[str] = ..., day: _Optional[str] = ...) -> None: ...

class GetTrustStatementResponse(_message.Message):
    __slots__ = ("trust_opening", "trust_closing", "wallets", "agents", "organisations", "reserve", "clearing", "least_cover", "covered", "last_seq", "chain_head", "signed")
    TRUST_OPENING_FIELD_NUMBER: _ClassVar[int]
    TRUST_CLOSING_FIELD_NUMBER: _ClassVar[int]
    WALLETS_FIELD_NUMBER: _ClassVar[int]
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    ORGANISATIONS_FIELD_NUMBER: _ClassVar[int]
    RESERVE_FIELD_NUMBER: _ClassVar[int]
    CLEARING_FIELD_NUMBER: _ClassVar[int]
    LEAST_COVER_FIELD_NUMBER: _ClassVar[int]
    COVERED_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    CHAIN_HEAD_FIELD_NUMBER: _ClassVar[int]
    SIGNED_FIELD_NUMBER: _ClassVar[int]
    trust_opening: int
    trust_closing: int
    wallets: int
    agents: int
    organisations: int
    reserve: int
    clearing: int
    least_cover: int
    covered: bool
    last_seq: int
    chain_head: str
    signed: str
    def __init__(self, trust_opening: _Optional[int] = ..., trust_closing: _Optional[int] = ..., wallets: _Optional[int] = ..., agents: _Optional[int] = ..., organisations: _Optional[int] = ..., reserve: _Optional[int] = ..., clearing: _Optional[int] = ..., least_cover: _Optional[int] = ..., covered: _Optional[bool] = ..., last_seq: _Optional[int] = ..., chain_head: _Optional[str] = ..., signed: _Optional[str] = ...) -> None: ...

class GetTrustKeysRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
