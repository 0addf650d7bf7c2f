/**
 * The functions of version 1 for messages that are published in a transaction of the application. See
 * docs/decisions/0053-postgres-transactions.md.
 */
export const transactionFunctions = `
-- Refuses, at the commit, what was written by a statement that is a transaction of its own: then no other statement has begun since.
CREATE FUNCTION mq.require_begun(a_enlisted_at timestamptz) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
  IF a_enlisted_at = statement_timestamp() THEN
    RAISE EXCEPTION 'no transaction was begun here, so the statement would commit by itself' USING ERRCODE = 'MQ002';
  END IF;
END
$body$;

CREATE FUNCTION mq.check_begun() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  PERFORM mq.require_begun(NEW.enlisted_at);
  RETURN NULL;
END
$body$;
CREATE CONSTRAINT TRIGGER begun AFTER INSERT ON mq.delayed DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.enlisted_at IS NOT NULL) EXECUTE FUNCTION mq.check_begun();

-- Gives a message to the groups that there are when its transaction commits. So the lock is held for that moment only.
CREATE FUNCTION mq.spread() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  PERFORM mq.require_begun(NEW.enlisted_at);
  PERFORM pg_advisory_xact_lock_shared(mq.topic_lock(NEW.topic));
  INSERT INTO mq.deliveries (message, grp, key) SELECT NEW.id, g.id, NEW.key FROM mq.groups g WHERE g.topic = NEW.topic;
  RETURN NULL;
END
$body$;
CREATE CONSTRAINT TRIGGER spread AFTER INSERT ON mq.messages DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.enlisted_at IS NOT NULL) EXECUTE FUNCTION mq.spread();

-- Stores messages in the transaction of the caller. Returns its number, and whether some messages are not given to groups by its commit. A
-- transaction whose snapshot is older than its commit would miss groups, so its messages are stored like delayed ones, which are given to
-- groups once they are due.
CREATE FUNCTION mq.enlist_1(a_call text, OUT number text, OUT is_later boolean) LANGUAGE plpgsql AS $body$
DECLARE
  given json := a_call::json;
  this bigint := (given ->> 'topic')::bigint;
  dedupe_ms float8 := (given ->> 'dedupeMs')::float8;
  is_late boolean := current_setting('transaction_isolation') <> 'read committed';
BEGIN
  IF (given ->> 'queue') <> (SELECT i.id::text FROM mq.identity i) THEN
    RAISE EXCEPTION 'the transaction is in another database than the queue' USING ERRCODE = 'MQ001';
  END IF;
  WITH input AS MATERIALIZED (
    SELECT u.* FROM ROWS FROM (
      json_to_recordset(given -> 'messages') AS (id text, key text, head text, delay float8, body text)
    ) WITH ORDINALITY AS u(id, key, head, delay, body, ord)
  ), fresh AS (
    INSERT INTO mq.published AS p (topic, id, known_until)
    SELECT this, i.id, clock_timestamp() + dedupe_ms * interval '1 ms' FROM input i WHERE dedupe_ms > 0 ORDER BY i.id
    ON CONFLICT (topic, id) DO UPDATE SET known_until = excluded.known_until WHERE p.known_until < clock_timestamp()
    RETURNING p.id
  ), taken AS MATERIALIZED (
    SELECT i.* FROM input i WHERE dedupe_ms <= 0 OR i.id IN (SELECT f.id FROM fresh f)
  ), later AS (
    INSERT INTO mq.delayed (topic, due, key, head, body, enlisted_at)
    SELECT this, clock_timestamp() + t.delay * interval '1 ms', t.key, t.head, decode(t.body, 'base64'), statement_timestamp()
    FROM taken t WHERE t.delay > 0 OR is_late ORDER BY t.ord
  )
  INSERT INTO mq.messages (topic, key, head, body, enlisted_at)
  SELECT this, t.key, t.head, decode(t.body, 'base64'), statement_timestamp()
  FROM taken t WHERE t.delay <= 0 AND NOT is_late ORDER BY t.ord;
  number := pg_current_xact_id()::text;
  is_later := is_late OR EXISTS (SELECT FROM json_to_recordset(given -> 'messages') AS m(delay float8) WHERE m.delay > 0);
END
$body$;

-- Publishes from any program that speaks SQL. The head is a JSON object of CloudEvents attributes.
CREATE FUNCTION mq.send(a_topic text, a_body bytea, a_key text DEFAULT NULL, a_head text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $body$
DECLARE this bigint := mq.topic_of(a_topic);
BEGIN
  IF current_setting('transaction_isolation') = 'read committed' THEN
    INSERT INTO mq.messages (topic, key, head, body, enlisted_at) VALUES (this, a_key, a_head, a_body, '-infinity');
    PERFORM pg_notify('mq_{schema}', 'm ' || this);
  ELSE
    INSERT INTO mq.delayed (topic, due, key, head, body) VALUES (this, clock_timestamp(), a_key, a_head, a_body);
    PERFORM pg_notify('mq_{schema}', 'l ' || this);
  END IF;
END
$body$;
`
