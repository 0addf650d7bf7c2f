/**
 * The tables and indexes of version 1. `mq` stands for the name of the schema.
 *
 * A message is stored once. A delivery is what one group has to do with it, and is what changes, so its rows are small. The state of a
 * delivery is `r` for ready, `w` for waiting for a retry, `f` for in flight and `d` for dead, and `at` is the time since when, or for `w`
 * until when. See docs/decisions/0046-postgres-tables.md.
 */
export const tables = `
-- Tells the tables of two databases apart.
CREATE TABLE mq.identity (id uuid NOT NULL);
INSERT INTO mq.identity (id) VALUES (gen_random_uuid());

CREATE TABLE mq.topics (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE mq.processes (
  id bigint PRIMARY KEY,
  seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  visibility_ms float8 NOT NULL,
  has_presence boolean NOT NULL
);

CREATE TABLE mq.groups (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic bigint NOT NULL REFERENCES mq.topics,
  name text COLLATE "C" NOT NULL,
  process bigint,
  paused_since float8,
  paused_by text,
  UNIQUE (topic, name)
);

CREATE TABLE mq.consumers (
  id bigint PRIMARY KEY,
  process bigint NOT NULL REFERENCES mq.processes ON DELETE CASCADE,
  grp bigint NOT NULL
);
CREATE INDEX consumers_process ON mq.consumers (process);
CREATE INDEX consumers_grp ON mq.consumers (grp);

CREATE SEQUENCE mq.message_ids;
CREATE TABLE mq.messages (
  id bigint PRIMARY KEY DEFAULT nextval('mq.message_ids'),
  topic bigint NOT NULL,
  key text COLLATE "C",
  head text,
  body bytea NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  enlisted_at timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX messages_topic ON mq.messages (topic, id);

CREATE TABLE mq.deliveries (
  message bigint NOT NULL,
  grp bigint NOT NULL,
  state "char" NOT NULL DEFAULT 'r',
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  attempt integer NOT NULL DEFAULT 1,
  claim integer NOT NULL DEFAULT 0,
  consumer bigint,
  key text COLLATE "C",
  failure text,
  PRIMARY KEY (message, grp)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.2);
CREATE INDEX deliveries_ready ON mq.deliveries (grp, message) INCLUDE (at) WHERE state = 'r';
CREATE INDEX deliveries_keys ON mq.deliveries (grp, key, message) WHERE state = 'r' AND key IS NOT NULL;
CREATE INDEX deliveries_waiting ON mq.deliveries (grp, at, message) WHERE state = 'w';
CREATE INDEX deliveries_held ON mq.deliveries (grp, at, message) WHERE state = 'f';
CREATE INDEX deliveries_dead ON mq.deliveries (grp, at, message) WHERE state = 'd';

CREATE TABLE mq.lanes (
  grp bigint NOT NULL,
  key text COLLATE "C" NOT NULL,
  message bigint NOT NULL,
  PRIMARY KEY (grp, key)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

CREATE TABLE mq.delayed (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic bigint NOT NULL,
  due timestamptz NOT NULL,
  key text COLLATE "C",
  head text,
  body bytea NOT NULL,
  enlisted_at timestamptz
);
CREATE INDEX delayed_due ON mq.delayed (topic, due, id);

CREATE TABLE mq.skips (
  delayed bigint NOT NULL,
  grp bigint NOT NULL,
  PRIMARY KEY (delayed, grp)
);

CREATE TABLE mq.published (
  topic bigint NOT NULL,
  id text COLLATE "C" NOT NULL,
  known_until timestamptz NOT NULL,
  PRIMARY KEY (topic, id)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX published_until ON mq.published (known_until);
`
