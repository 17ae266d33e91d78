-- The same payment as a PostgreSQL function, with what the ledger's function does: the gate, the idempotency key with its
-- body hash, the age of the key, the directory, states, limits by dated rules, balances, five postings with totals and
-- versions, a gapless sequence, the complete event, the transfer's record, both parties' history, the answer's facts.
CREATE UNLOGGED TABLE rule (id text, from_ms bigint, until_ms bigint, scope text, op text, most bigint, arg bigint);
CREATE TABLE meta (one int PRIMARY KEY, gate text, seq bigint, at_ms bigint, epoch int, window_no int);
CREATE TABLE account (
  id text PRIMARY KEY, kind text, state text, telecom text, owner text, dp bigint, cp bigint, dq bigint, cq bigint,
  v bigint, exempt boolean, category text,
  month_no int, m_pay bigint, day_no int, d_pay bigint, minute_no bigint, in_minute int, hour_no bigint, small int
) WITH (fillfactor = 70);
CREATE TABLE answer (scope text PRIMARY KEY, body text, code text, transfer text, facts text, made_ms bigint);
CREATE TABLE transfer (
  id text PRIMARY KEY, op text, amount bigint, fee bigint, payer text, payee text, at_ms bigint, seq bigint,
  window_no int, refunded bigint, related text, reference text, note text
);
CREATE TABLE event (seq bigint PRIMARY KEY, body text, intent bytea);
CREATE TABLE history (account text, seq bigint, transfer text, PRIMARY KEY (account, seq));
CREATE SEQUENCE loose_seq START 1000000000000;

INSERT INTO meta VALUES (1, 'run', 0, 0, 1, 1);
INSERT INTO rule VALUES
  ('month-368', 1767200400000, 253402300799000, 'month', 'pay', 100000000, 0),
  ('tx-napas', 1630429200000, 253402300799000, 'tx', 'pay', 499999999, 0),
  ('velocity-minute', 0, 253402300799000, 'minute', 'pay', 1000000, 0),
  ('velocity-small', 0, 253402300799000, 'small', 'pay', 10000000, 10000);
INSERT INTO account SELECT 'wal_' || n, 'wallet', 'open', 'VIETTEL', 'usr_' || n, 0, 1000000000000, 0, 0, 1, false, '',
  0, 0, 0, 0, 0, 0, 0, 0 FROM generate_series(1, 1000) n;
INSERT INTO account SELECT 'mer_' || n, 'merchant', 'open', '', 'own_' || n, 0, 0, 0, 0, 1, false, '5999',
  0, 0, 0, 0, 0, 0, 0, 0 FROM generate_series(1, 50) n;
INSERT INTO account SELECT k || ':VIETTEL', k, 'open', 'VIETTEL', '', 0, 0, 0, 0, 1, false, '',
  0, 0, 0, 0, 0, 0, 0, 0 FROM unnest(ARRAY['clearing', 'settlement']) k;
INSERT INTO account VALUES ('fee:PLATFORM', 'fee', 'open', '', '', 0, 0, 0, 0, 1, false, '', 0, 0, 0, 0, 0, 0, 0, 0);
ANALYZE;

-- `strict`: one total order and every account's totals kept, as the ledger has it. Not strict: the sequence may have gaps,
-- and what all payments share (clearing, settlement, fees) is summed later, so that payments do not wait for each other.
CREATE FUNCTION pay(strict boolean, run text, scope_ text, body_ text, payer_ text, payee_ text, owner_ text,
  amount_ bigint, fee_ bigint, intent_ bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  now_ms bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
  known answer; m meta; w account; s account; r rule; local_day int; month_ int; minute_ bigint; hour_ bigint;
  id_ text := 'pay_' || gen_random_uuid(); legs text; facts_ text; seq_ bigint; refusal text;
BEGIN
  SELECT * INTO known FROM answer WHERE scope = scope_;
  IF FOUND THEN
    RETURN CASE WHEN known.body <> body_ THEN 'IDEMPOTENCY_CONFLICT' ELSE known.code || known.facts END;
  END IF;
  IF strict THEN
    UPDATE meta SET seq = seq + 1, at_ms = greatest(at_ms, now_ms) WHERE one = 1 RETURNING * INTO m;
    seq_ := m.seq; now_ms := m.at_ms;
  ELSE
    SELECT * INTO m FROM meta WHERE one = 1;
    seq_ := nextval('loose_seq');
  END IF;
  IF m.gate <> run THEN RAISE EXCEPTION 'LEDGER_FENCED'; END IF;
  IF amount_ < 1 OR amount_ > 1000000000000 OR fee_ < 0 OR fee_ >= amount_ THEN RAISE EXCEPTION 'AMOUNT_INVALID'; END IF;
  SELECT * INTO w FROM account WHERE id = payer_ AND kind = 'wallet' FOR UPDATE;
  IF NOT FOUND OR w.owner <> owner_ THEN RAISE EXCEPTION 'ACCOUNT_NOT_FOUND'; END IF;
  SELECT * INTO s FROM account WHERE id = payee_ AND kind = 'merchant' FOR UPDATE;
  IF NOT FOUND THEN RAISE EXCEPTION 'MERCHANT_NOT_FOUND'; END IF;
  IF w.state <> 'open' THEN refusal := 'ACCOUNT_FROZEN'; ELSIF s.state <> 'open' THEN refusal := 'MERCHANT_NOT_PAYABLE';
  END IF;
  local_day := (now_ms + 25200000) / 86400000;
  month_ := to_char(to_timestamp((now_ms + 25200000) / 1000) AT TIME ZONE 'UTC', 'YYYYMM');
  minute_ := now_ms / 60000; hour_ := now_ms / 3600000;
  w.m_pay := CASE WHEN w.month_no = month_ THEN w.m_pay ELSE 0 END + amount_;
  w.d_pay := CASE WHEN w.day_no = local_day THEN w.d_pay ELSE 0 END + amount_;
  w.in_minute := CASE WHEN w.minute_no = minute_ THEN w.in_minute ELSE 0 END + 1;
  w.small := CASE WHEN w.hour_no = hour_ THEN w.small ELSE 0 END + (amount_ <= 10000)::int;
  FOR r IN SELECT * FROM rule WHERE op = 'pay' AND now_ms >= from_ms AND now_ms < until_ms LOOP
    IF (r.scope = 'tx' AND amount_ > r.most) OR (r.scope = 'month' AND NOT w.exempt AND w.m_pay > r.most)
      OR (r.scope = 'minute' AND w.in_minute > r.most) OR (r.scope = 'small' AND w.small > r.most) THEN
      refusal := coalesce(refusal, 'LIMIT_EXCEEDED');
    END IF;
  END LOOP;
  IF w.dp + w.dq + amount_ > w.cp THEN refusal := coalesce(refusal, 'INSUFFICIENT_FUNDS'); END IF;
  IF refusal IS NOT NULL THEN
    INSERT INTO event VALUES (seq_, refusal || scope_ || body_, intent_);
    INSERT INTO answer VALUES (scope_, body_, refusal, '', '', now_ms);
    RETURN refusal;
  END IF;
  UPDATE account SET dp = dp + amount_, v = v + 1, month_no = month_, m_pay = w.m_pay, day_no = local_day,
    d_pay = w.d_pay, minute_no = minute_, in_minute = w.in_minute, hour_no = hour_, small = w.small
    WHERE id = payer_ RETURNING * INTO w;
  legs := format('%s,d,%s,%s,%s,%s,%s,%s', w.id, amount_, w.dp, w.cp, w.dq, w.cq, w.v);
  UPDATE account SET cp = cp + amount_ - fee_, v = v + 1 WHERE id = payee_ RETURNING * INTO s;
  legs := legs || format(';%s,c,%s,%s,%s,%s,%s,%s', s.id, amount_ - fee_, s.dp, s.cp, s.dq, s.cq, s.v);
  facts_ := format('%s|%s|%s|%s|%s|%s', now_ms, seq_, m.window_no, w.cp - w.dp - w.dq, s.cp - s.dp - s.dq, fee_);
  IF strict THEN
    UPDATE account SET cp = cp + amount_, v = v + 1 WHERE id = 'clearing:' || w.telecom RETURNING * INTO s;
    legs := legs || format(';%s,c,%s,%s,%s,%s,%s,%s', s.id, amount_, s.dp, s.cp, s.dq, s.cq, s.v);
    UPDATE account SET dp = dp + amount_, v = v + 1 WHERE id = 'settlement:' || w.telecom RETURNING * INTO s;
    legs := legs || format(';%s,d,%s,%s,%s,%s,%s,%s', s.id, amount_, s.dp, s.cp, s.dq, s.cq, s.v);
    IF fee_ > 0 THEN
      UPDATE account SET cp = cp + fee_, v = v + 1 WHERE id = 'fee:PLATFORM' RETURNING * INTO s;
      legs := legs || format(';%s,c,%s,%s,%s,%s,%s,%s', s.id, fee_, s.dp, s.cp, s.dq, s.cq, s.v);
    END IF;
  END IF;
  INSERT INTO event VALUES (seq_, 'pay,OK,' || scope_ || ',' || body_ || ',' || id_ || ',' || amount_ || ',' || legs, intent_);
  INSERT INTO transfer VALUES (id_, 'pay', amount_, fee_, payer_, payee_, now_ms, seq_, m.window_no, 0, '', '', '');
  INSERT INTO answer VALUES (scope_, body_, 'OK', id_, facts_, now_ms);
  INSERT INTO history VALUES (payer_, seq_, id_), (payee_, seq_, id_);
  RETURN 'OK' || id_ || facts_;
END $$;
