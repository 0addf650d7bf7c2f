/** The tables and functions of version 1 for the outbox and the inbox. See docs/decisions/0054-outbox.md. */
export const outboxFunctions = `
CREATE TABLE mq.outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic text COLLATE "C" NOT NULL,
  key text COLLATE "C",
  head text NOT NULL,
  body bytea NOT NULL,
  due timestamptz,
  stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  enlisted_at timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE CONSTRAINT TRIGGER begun AFTER INSERT ON mq.outbox DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.enlisted_at IS NOT NULL) EXECUTE FUNCTION mq.check_begun();

CREATE TABLE mq.outbox_dead (
  id bigint PRIMARY KEY,
  topic text COLLATE "C" NOT NULL,
  key text COLLATE "C",
  head text NOT NULL,
  body bytea NOT NULL,
  due timestamptz,
  stored_at timestamptz NOT NULL,
  died_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  error text NOT NULL
);

-- Whose turn it is to send. A relay that no longer says that it is there loses it.
CREATE TABLE mq.outbox_turn (holder uuid, until timestamptz NOT NULL);
INSERT INTO mq.outbox_turn (holder, until) VALUES (NULL, '-infinity');

-- The messages that a consumer has handled.
CREATE TABLE mq.inbox (
  consumer text COLLATE "C" NOT NULL,
  message text COLLATE "C" NOT NULL,
  handled_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  enlisted_at timestamptz NOT NULL DEFAULT statement_timestamp(),
  PRIMARY KEY (consumer, message)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE CONSTRAINT TRIGGER begun AFTER INSERT ON mq.inbox DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION mq.check_begun();
CREATE INDEX inbox_handled ON mq.inbox (handled_at);

-- Writes messages in the transaction of the caller, and returns its number.
CREATE FUNCTION mq.outbox_write_1(a_messages text) RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
  INSERT INTO mq.outbox (topic, key, head, body, due, enlisted_at)
  SELECT u.topic, u.key, u.head, decode(u.body, 'base64'),
    CASE WHEN u.delay > 0 THEN clock_timestamp() + u.delay * interval '1 ms' END,
    -- One row of the statement is enough.
    CASE WHEN u.ord = 1 THEN statement_timestamp() END
  FROM ROWS FROM (
    json_to_recordset(a_messages::json) AS (topic text, key text, head text, delay float8, body text)
  ) WITH ORDINALITY AS u(topic, key, head, delay, body, ord) ORDER BY u.ord;
  RETURN pg_current_xact_id()::text;
END
$body$;

-- Takes or keeps the turn. Returns false while it is another relay's.
CREATE FUNCTION mq.outbox_turn_1(a_holder uuid, a_lease_ms float8) RETURNS boolean LANGUAGE plpgsql AS $body$
BEGIN
  UPDATE mq.outbox_turn t SET holder = a_holder, until = clock_timestamp() + a_lease_ms * interval '1 ms'
  WHERE t.holder = a_holder OR t.until < clock_timestamp();
  RETURN FOUND;
END
$body$;

-- Removes what was sent, moves what is refused for good, and returns what is next, the oldest first, if it is the turn of this relay.
CREATE FUNCTION mq.outbox_next_1(
  a_holder uuid, a_lease_ms float8, a_sent bigint[], a_dead bigint[], a_errors text[], a_max int, a_max_bytes int
) RETURNS TABLE (is_mine boolean, id text, topic text, key text, head text, body text, delay_ms float8, stored_ms float8)
LANGUAGE plpgsql AS $body$
#variable_conflict use_column
BEGIN
  DELETE FROM mq.outbox o WHERE o.id = ANY (a_sent);
  IF cardinality(a_dead) > 0 THEN
    WITH gone AS (DELETE FROM mq.outbox o WHERE o.id = ANY (a_dead) RETURNING o.*)
    INSERT INTO mq.outbox_dead (id, topic, key, head, body, due, stored_at, error)
    SELECT g.id, g.topic, g.key, g.head, g.body, g.due, g.stored_at, d.error
    FROM gone g JOIN unnest(a_dead, a_errors) AS d(id, error) ON d.id = g.id;
  END IF;
  IF NOT mq.outbox_turn_1(a_holder, a_lease_ms) THEN
    RETURN QUERY SELECT false, NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, NULL::float8, NULL::float8;
    RETURN;
  END IF;
  RETURN QUERY
    SELECT true, n.id::text, n.topic, n.key, n.head, encode(n.body, 'base64'),
      greatest(0, extract(epoch FROM n.due - clock_timestamp()) * 1000)::float8,
      (extract(epoch FROM n.stored_at) * 1000)::float8
    FROM (
      SELECT o.*, sum(length(o.body)) OVER (ORDER BY o.id) - length(o.body) AS before
      FROM (SELECT x.* FROM mq.outbox x ORDER BY x.id LIMIT a_max) AS o
    ) AS n WHERE n.before < a_max_bytes ORDER BY n.id;
END
$body$;

-- Marks a message as handled in the transaction of the caller. Returns false if it was handled before. Removes a few marks that are old.
CREATE FUNCTION mq.inbox_once_1(a_consumer text, a_message text, a_retain_ms float8) RETURNS boolean LANGUAGE plpgsql AS $body$
DECLARE is_new boolean;
BEGIN
  INSERT INTO mq.inbox (consumer, message) VALUES (a_consumer, a_message) ON CONFLICT DO NOTHING;
  is_new := FOUND;
  IF current_setting('transaction_isolation') = 'read committed' THEN
    DELETE FROM mq.inbox i USING (
      SELECT o.consumer, o.message FROM mq.inbox o WHERE o.handled_at < clock_timestamp() - a_retain_ms * interval '1 ms'
      ORDER BY o.handled_at LIMIT 10 FOR UPDATE SKIP LOCKED
    ) AS old WHERE i.consumer = old.consumer AND i.message = old.message;
  END IF;
  RETURN is_new;
END
$body$;
`
