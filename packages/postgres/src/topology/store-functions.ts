/** The tables and functions of version 1 for `postgresStore()`. */
export const storeFunctions = `
CREATE TABLE mq.store_values (
  key text COLLATE "C" PRIMARY KEY,
  value text NOT NULL,
  ends_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX store_values_ends ON mq.store_values (ends_at);

CREATE TABLE mq.store_leases (
  name text COLLATE "C" NOT NULL,
  holder text COLLATE "C" NOT NULL,
  ends_at timestamptz NOT NULL,
  PRIMARY KEY (name, holder)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX store_leases_ends ON mq.store_leases (ends_at);

-- How many slots of a window are taken, and when.
CREATE TABLE mq.store_windows (
  key text COLLATE "C" PRIMARY KEY,
  ats bigint[] NOT NULL,
  counts integer[] NOT NULL,
  ends_at timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX store_windows_ends ON mq.store_windows (ends_at);

-- Returns the value that now holds the key.
CREATE FUNCTION mq.store_claim_1(a_key text, a_value text, a_ttl_ms float8) RETURNS text LANGUAGE plpgsql AS $body$
DECLARE held text;
BEGIN
  LOOP
    INSERT INTO mq.store_values AS v (key, value, ends_at)
    VALUES (a_key, a_value, clock_timestamp() + a_ttl_ms * interval '1 ms')
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, ends_at = excluded.ends_at WHERE v.ends_at <= clock_timestamp()
    RETURNING v.value INTO held;
    IF FOUND THEN RETURN held; END IF;
    SELECT v.value INTO held FROM mq.store_values v WHERE v.key = a_key;
    -- It may have been removed meanwhile.
    IF FOUND THEN RETURN held; END IF;
  END LOOP;
END
$body$;

-- Returns -1 if the holder has the lease, or after how many milliseconds to ask again.
CREATE FUNCTION mq.store_acquire_1(a_name text, a_holder text, a_limit int, a_ttl_ms float8) RETURNS float8
LANGUAGE plpgsql AS $body$
DECLARE
  held bigint;
  retry_ms float8;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('{schema} lease ' || a_name, 0));
  DELETE FROM mq.store_leases l WHERE l.name = a_name AND l.ends_at <= clock_timestamp();
  IF NOT EXISTS (SELECT FROM mq.store_leases l WHERE l.name = a_name AND l.holder = a_holder) THEN
    SELECT count(*) INTO held FROM mq.store_leases l WHERE l.name = a_name;
    IF held >= a_limit THEN
      SELECT extract(epoch FROM l.ends_at - clock_timestamp()) * 1000 INTO retry_ms
      FROM mq.store_leases l WHERE l.name = a_name ORDER BY l.ends_at OFFSET held - a_limit LIMIT 1;
      RETURN greatest(0, ceil(retry_ms));
    END IF;
  END IF;
  INSERT INTO mq.store_leases (name, holder, ends_at)
  VALUES (a_name, a_holder, clock_timestamp() + a_ttl_ms * interval '1 ms')
  ON CONFLICT (name, holder) DO UPDATE SET ends_at = excluded.ends_at;
  RETURN -1;
END
$body$;

-- Takes slots of a window, whose time is counted in parts of a_width ms. A window is a_span parts longer than the one in which it begins.
CREATE FUNCTION mq.store_take_1(
  a_key text, a_count int, a_limit int, a_width float8, a_span int, a_longest_ms float8, OUT granted boolean, OUT wait_ms float8
) LANGUAGE plpgsql AS $body$
DECLARE
  taken_at bigint[];
  taken int[];
  now_ms float8;
  slot bigint;
  used bigint := 0;
  oldest int := 1;
BEGIN
  LOOP
    INSERT INTO mq.store_windows (key, ats, counts, ends_at) VALUES (a_key, '{}', '{}', clock_timestamp()) ON CONFLICT DO NOTHING;
    SELECT w.ats, w.counts INTO taken_at, taken FROM mq.store_windows w WHERE w.key = a_key FOR UPDATE;
    EXIT WHEN FOUND;
  END LOOP;
  now_ms := extract(epoch FROM clock_timestamp()) * 1000;
  slot := greatest(floor(now_ms / a_width)::bigint, taken_at[cardinality(taken_at)]);
  FOR i IN 1..cardinality(taken_at) LOOP
    IF taken_at[i] < slot - a_span THEN oldest := i + 1; ELSE used := used + taken[i]; END IF;
  END LOOP;
  WHILE used + a_count > a_limit LOOP
    used := used - taken[oldest];
    slot := taken_at[oldest] + a_span + 1;
    oldest := oldest + 1;
  END LOOP;
  wait_ms := greatest(0, ceil(slot * a_width - now_ms));
  granted := wait_ms <= a_longest_ms;
  IF NOT granted THEN RETURN; END IF;
  oldest := 1;
  WHILE oldest <= cardinality(taken_at) AND taken_at[oldest] < slot - a_span LOOP oldest := oldest + 1; END LOOP;
  taken_at := taken_at[oldest:];
  taken := taken[oldest:];
  IF taken_at[cardinality(taken_at)] = slot THEN
    taken[cardinality(taken)] := taken[cardinality(taken)] + a_count;
  ELSE
    taken_at := taken_at || slot;
    taken := taken || a_count;
  END IF;
  UPDATE mq.store_windows w SET ats = taken_at, counts = taken,
    ends_at = clock_timestamp() + ((slot + a_span + 1) * a_width - now_ms) * interval '1 ms'
  WHERE w.key = a_key;
END
$body$;

-- Removes some of what is over.
CREATE FUNCTION mq.store_tidy_1() RETURNS void LANGUAGE sql AS $body$
  DELETE FROM mq.store_values v USING (
    SELECT x.key FROM mq.store_values x WHERE x.ends_at < clock_timestamp() ORDER BY x.ends_at LIMIT 10000 FOR UPDATE SKIP LOCKED
  ) AS old WHERE v.key = old.key;
  DELETE FROM mq.store_leases l USING (
    SELECT x.name, x.holder FROM mq.store_leases x WHERE x.ends_at < clock_timestamp() ORDER BY x.ends_at LIMIT 10000
    FOR UPDATE SKIP LOCKED
  ) AS old WHERE l.name = old.name AND l.holder = old.holder;
  DELETE FROM mq.store_windows w USING (
    SELECT x.key FROM mq.store_windows x WHERE x.ends_at < clock_timestamp() ORDER BY x.ends_at LIMIT 10000 FOR UPDATE SKIP LOCKED
  ) AS old WHERE w.key = old.key;
$body$;
`
