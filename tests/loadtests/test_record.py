"""The record of a run: written before it is sent, one file a process, bounded."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loadtests.config import Config, MarketDay, Person, Stall, loopback
from loadtests.record import PAY, Asked, Heard, Record, RecordFull, incomplete, read

ASKED = Asked("key", PAY, "0977000000", "wal_1", "mer_1", 5_000, 1.5)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    record = Record(tmp_path)
    heard = Heard("mer_1", "pay_1", "payment.captured", 5_000, 0, 7, 3, 2, 2.5)
    record.sent(ASKED)
    record.told("key", "done", "pay_1")
    record.heard(heard)
    record.calls(10, "POST /v1/payments", 4, 1)
    record.calls(10, "POST /v1/payments", 1, 0)
    record.refused("no token", "401 UNAUTHENTICATED")
    record.error("POST /v1/payments", "0")
    told = read(tmp_path)
    assert (told.asked["key"].outcome, told.asked["key"].transfer_id) == ("done", "pay_1")
    assert told.heard == [heard]
    assert told.calls == {(10, "POST /v1/payments"): (5, 1)}
    assert told.refusals == {"no token: 401 UNAUTHENTICATED": 1}
    assert [error[1:] for error in told.errors] == [("POST /v1/payments", "0")]


def test_a_payment_without_an_answer_has_no_outcome(tmp_path: Path) -> None:
    Record(tmp_path).sent(ASKED)
    assert read(tmp_path).asked["key"].outcome == ""


def test_one_key_with_two_answers_is_a_contradiction(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.sent(ASKED)
    record.told("key", "done", "pay_1")
    record.told("key", "done", "pay_1")
    assert read(tmp_path).contradictions == []
    record.told("key", "done", "pay_2")
    assert read(tmp_path).contradictions == ["key was told done pay_1, then done pay_2"]


def test_an_answer_to_nobodys_question_is_a_contradiction(tmp_path: Path) -> None:
    Record(tmp_path).told("key", "done", "pay_1")
    assert read(tmp_path).contradictions


def test_at_its_limit_nothing_is_sent_unrecorded(tmp_path: Path) -> None:
    record = Record(tmp_path, bytes_max=190)
    record.sent(ASKED)
    record.told("key", "done", "pay_1")
    with pytest.raises(RecordFull):
        record.sent(ASKED)
    with pytest.raises(RecordFull):
        record.told("key", "done", "pay_1")
    told = read(tmp_path)
    assert told.full
    assert list(told.asked) == ["key"]
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 190


def test_a_process_that_never_came_or_did_not_end_in_order_leaves_the_record_incomplete(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.began()
    assert len(incomplete(read(tmp_path), workers=2)) == 2
    assert len(incomplete(read(tmp_path), workers=1)) == 1
    record.ended()
    assert incomplete(read(tmp_path), workers=1) == []


def test_a_payment_that_was_due_and_never_sent_leaves_the_record_incomplete(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.began()
    record.unsent(3)
    record.ended()
    (why,) = incomplete(read(tmp_path), workers=1)
    assert why.startswith("3 payments were due and never sent")


def test_what_an_agent_earned_is_read_as_it_was_told(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.sent(ASKED)
    record.told("key", "done", "cin_1", 100)
    assert read(tmp_path).asked["key"].commission == 100


def test_every_process_writes_a_file_of_its_own(tmp_path: Path) -> None:
    record = Record(tmp_path)
    record.sent(ASKED)
    if not (child := os.fork()):
        record.told("key", "done", "pay_1")
        os._exit(0)
    os.waitpid(child, 0)
    assert len(list(tmp_path.glob("record-*.jsonl"))) == 2
    assert read(tmp_path).asked["key"].transfer_id == "pay_1"


def test_a_line_that_is_none_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "record-x.jsonl").write_text('["z", 1]\n')
    with pytest.raises(ValueError, match="not a line"):
        read(tmp_path)


def test_the_days_people_are_read_as_they_were_written(tmp_path: Path) -> None:
    agent = Person("0900", "1", "agt_1", "VIETTEL", customers=("wal_9",))
    day = MarketDay([Person("0977", "1", "wal_1")], [], [Stall("mer_1", "0002", 9)], [agent], closed_window=1)
    day.write(tmp_path / "people.json")
    assert MarketDay.read(tmp_path / "people.json") == day


def test_settings_come_from_the_environment_as_they_went_in() -> None:
    config = Config("http://127.0.0.1:1", Path("p"), Path("f"), "rain", 9, 3, 2.5, 2, grpc="127.0.0.1:2", edge="x")
    assert Config.of(config.env()) == config


@pytest.mark.parametrize("url", ["http://10.0.0.1:8080", "https://cho.example.vn", "http://127.0.0.1.example.vn"])
def test_only_this_machine_is_ever_loaded(url: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        loopback(url)
    with pytest.raises(ValueError, match="loopback"):
        Config.of({"LOADTEST_HOST": url, "LOADTEST_PEOPLE": "p", "LOADTEST_FOLDER": "f"})


def test_inside_a_cluster_its_own_gateway_may_be_loaded_too() -> None:
    inside = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    assert loopback("http://gateway:8080", inside)
    for url, env in (("http://gateway:8080", {}), ("http://gateway.example.vn", inside), ("http://10.0.0.1", inside)):
        with pytest.raises(ValueError, match="loopback"):
            loopback(url, env)
