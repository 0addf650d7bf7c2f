/**
 * The functions of version 1. `mq` stands for the name of the schema. They are functions because each statement of a function sees what was
 * committed before it began: what comes after a lock sees what was done under it. The number at the end of a name is the version of its
 * parameters, so that processes of two versions can work side by side. See docs/decisions/0047-postgres-groups.md.
 */
export const functions = `
CREATE FUNCTION mq.topic_lock(a_topic bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $body$
  SELECT hashtextextended('{schema} topic ' || a_topic, 0)
$body$;

CREATE FUNCTION mq.topic_of(a_name text) RETURNS bigint LANGUAGE plpgsql AS $body$
DECLARE found bigint;
BEGIN
  SELECT t.id INTO found FROM mq.topics t WHERE t.name = a_name;
  IF found IS NULL THEN
    INSERT INTO mq.topics (name) VALUES (a_name) ON CONFLICT DO NOTHING;
    SELECT t.id INTO found FROM mq.topics t WHERE t.name = a_name;
  END IF;
  RETURN found;
END
$body$;

-- Stores messages for all groups of a topic. A lock that publishes share keeps out groups that are being made.
CREATE FUNCTION mq.publish_1(
  a_topic text, a_ids text[], a_keys text[], a_heads text[], a_delays float8[], a_sizes int[], a_bodies bytea, a_dedupe_ms float8,
  OUT topic bigint, OUT has_groups boolean
) LANGUAGE plpgsql AS $body$
#variable_conflict use_column
DECLARE this bigint := mq.topic_of(a_topic);
BEGIN
  PERFORM pg_advisory_xact_lock_shared(mq.topic_lock(this));
  WITH input AS MATERIALIZED (
    SELECT u.*, (sum(u.size) OVER (ORDER BY u.ord) - u.size)::int + 1 AS start
    FROM unnest(a_ids, a_keys, a_heads, a_delays, a_sizes) WITH ORDINALITY AS u(id, key, head, delay, size, ord)
  ), fresh AS (
    INSERT INTO mq.published AS p (topic, id, known_until)
    SELECT this, i.id, clock_timestamp() + a_dedupe_ms * interval '1 ms' FROM input i
    WHERE a_dedupe_ms > 0 AND i.id IS NOT NULL ORDER BY i.id
    ON CONFLICT (topic, id) DO UPDATE SET known_until = excluded.known_until WHERE p.known_until < clock_timestamp()
    RETURNING p.id
  ), taken AS MATERIALIZED (
    SELECT i.* FROM input i WHERE a_dedupe_ms <= 0 OR i.id IS NULL OR i.id IN (SELECT f.id FROM fresh f)
  ), later AS (
    INSERT INTO mq.delayed (topic, due, key, head, body)
    SELECT this, clock_timestamp() + t.delay * interval '1 ms', t.key, t.head, substring(a_bodies FROM t.start FOR t.size)
    FROM taken t WHERE t.delay > 0 ORDER BY t.ord
  ), stored AS (
    INSERT INTO mq.messages AS m (topic, key, head, body)
    SELECT this, t.key, t.head, substring(a_bodies FROM t.start FOR t.size)
    FROM taken t WHERE t.delay <= 0 ORDER BY t.ord
    RETURNING m.id, m.key
  )
  INSERT INTO mq.deliveries (message, grp, key)
  SELECT s.id, g.id, s.key FROM stored s CROSS JOIN mq.groups g WHERE g.topic = this;
  topic := this;
  has_groups := EXISTS (SELECT FROM mq.groups g WHERE g.topic = this);
END
$body$;

-- Gives delayed messages that are due to the groups that there are now, except those that skip them.
CREATE FUNCTION mq.fan_out_1(a_topic bigint, a_max int) RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(mq.topic_lock(a_topic));
  WITH gone AS (
    DELETE FROM mq.delayed d USING (
      SELECT x.id FROM mq.delayed x WHERE x.topic = a_topic AND x.due <= clock_timestamp()
      ORDER BY x.due, x.id LIMIT a_max FOR UPDATE SKIP LOCKED
    ) AS due WHERE d.id = due.id RETURNING d.*
  ), numbered AS MATERIALIZED (
    SELECT o.*, nextval('mq.message_ids') AS message FROM (SELECT * FROM gone g ORDER BY g.due, g.id) AS o
  ), stored AS (
    INSERT INTO mq.messages (id, topic, key, head, body) SELECT n.message, a_topic, n.key, n.head, n.body FROM numbered n
  ), given AS (
    INSERT INTO mq.deliveries (message, grp, key, at)
    SELECT n.message, g.id, n.key, n.due FROM numbered n CROSS JOIN mq.groups g
    WHERE g.topic = a_topic AND NOT EXISTS (SELECT FROM mq.skips s WHERE s.delayed = n.id AND s.grp = g.id)
  )
  DELETE FROM mq.skips s USING numbered n WHERE s.delayed = n.id;
END
$body$;

-- Makes a group. The lock waits for publishes that began before it, and those that follow see the group.
CREATE FUNCTION mq.declare_1(a_topic text, a_name text, a_earliest boolean, a_process bigint) RETURNS bigint
LANGUAGE plpgsql AS $body$
DECLARE
  this bigint := mq.topic_of(a_topic);
  found bigint;
BEGIN
  SELECT g.id INTO found FROM mq.groups g WHERE g.topic = this AND g.name = a_name;
  IF found IS NOT NULL THEN RETURN found; END IF;
  PERFORM pg_advisory_xact_lock(mq.topic_lock(this));
  SELECT g.id INTO found FROM mq.groups g WHERE g.topic = this AND g.name = a_name;
  IF found IS NOT NULL THEN RETURN found; END IF;
  INSERT INTO mq.groups (topic, name, process) VALUES (this, a_name, a_process) RETURNING id INTO found;
  IF a_earliest THEN
    INSERT INTO mq.deliveries (message, grp, key) SELECT m.id, found, m.key FROM mq.messages m WHERE m.topic = this;
  END IF;
  RETURN found;
END
$body$;

-- Removes a group with its deliveries.
CREATE FUNCTION mq.drop_group_1(a_group bigint) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
  this bigint;
  each_state "char";
  removed bigint;
  part bigint;
BEGIN
  SELECT g.topic INTO this FROM mq.groups g WHERE g.id = a_group;
  IF this IS NULL THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock(mq.topic_lock(this));
  DELETE FROM mq.groups g WHERE g.id = a_group;
  -- A delivery may change its state meanwhile, so this goes on until a pass finds none.
  LOOP
    removed := 0;
    FOREACH each_state IN ARRAY ARRAY['r', 'w', 'f', 'd']::"char"[] LOOP
      EXECUTE format('DELETE FROM mq.deliveries d WHERE d.grp = $1 AND d.state = %L', each_state) USING a_group;
      GET DIAGNOSTICS part = ROW_COUNT;
      removed := removed + part;
    END LOOP;
    EXIT WHEN removed = 0;
  END LOOP;
  DELETE FROM mq.lanes l WHERE l.grp = a_group;
  DELETE FROM mq.skips s WHERE s.grp = a_group;
END
$body$;

-- Makes ready what is due, and says of each group whether it is paused, has something ready, and when the next message is due.
CREATE FUNCTION mq.look_1(a_groups bigint[])
RETURNS TABLE (id text, paused_since float8, paused_by text, has_ready boolean, next_ms float8)
LANGUAGE plpgsql AS $body$
DECLARE due_topic bigint;
BEGIN
  -- Locks of topics come before those of rows, as everywhere, so that nobody waits in a circle.
  FOR due_topic IN
    SELECT DISTINCT g.topic FROM mq.groups g WHERE g.id = ANY (a_groups)
    AND EXISTS (SELECT FROM mq.delayed d WHERE d.topic = g.topic AND d.due <= clock_timestamp()) ORDER BY 1
  LOOP
    PERFORM mq.fan_out_1(due_topic, 1000);
  END LOOP;
  UPDATE mq.deliveries d SET state = 'r' FROM (
    SELECT w.message, w.grp FROM mq.deliveries w
    WHERE w.state = 'w' AND w.grp = ANY (a_groups) AND w.at <= clock_timestamp()
    LIMIT 1000 FOR UPDATE SKIP LOCKED
  ) AS due WHERE d.message = due.message AND d.grp = due.grp AND d.state = 'w';
  RETURN QUERY
    SELECT g.id::text, g.paused_since, g.paused_by,
      EXISTS (SELECT FROM mq.deliveries d WHERE d.grp = g.id AND d.state = 'r'),
      (extract(epoch FROM least(
        (SELECT min(d.at) FROM mq.deliveries d WHERE d.grp = g.id AND d.state = 'w'),
        (SELECT min(d.due) FROM mq.delayed d WHERE d.topic = g.topic)
      ) - clock_timestamp()) * 1000)::float8
    FROM mq.groups g WHERE g.id = ANY (a_groups);
END
$body$;

-- Removes processes that are gone, and what they and expired ids have left. Frees what they hold of these groups: what nobody else would take
-- stays with a process that only stood still.
CREATE FUNCTION mq.tidy_1(a_gone_ms float8, a_groups bigint[]) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE left_group bigint;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtextextended('{schema} tidy', 0)) THEN RETURN; END IF;
  DELETE FROM mq.processes p WHERE p.seen_at < clock_timestamp() - p.visibility_ms * interval '1 ms'
    OR (p.has_presence AND p.seen_at < clock_timestamp() - a_gone_ms * interval '1 ms' AND pg_try_advisory_xact_lock(p.id));
  FOR left_group IN
    SELECT g.id FROM mq.groups g
    WHERE g.process IS NOT NULL AND NOT EXISTS (SELECT FROM mq.processes p WHERE p.id = g.process) ORDER BY g.topic, g.id
  LOOP
    PERFORM mq.drop_group_1(left_group);
  END LOOP;
  WITH freed AS (
    UPDATE mq.deliveries d SET state = 'r', attempt = d.attempt + 1, consumer = NULL, at = clock_timestamp()
    WHERE d.state = 'f' AND d.grp = ANY (a_groups) AND NOT EXISTS (SELECT FROM mq.consumers c WHERE c.id = d.consumer)
    RETURNING d.grp, d.message, d.key
  )
  DELETE FROM mq.lanes l USING freed f WHERE l.grp = f.grp AND l.key = f.key AND l.message = f.message;
  DELETE FROM mq.published p USING (
    SELECT x.topic, x.id FROM mq.published x WHERE x.known_until < clock_timestamp() ORDER BY x.known_until LIMIT 20000
    FOR UPDATE SKIP LOCKED
  ) AS old WHERE p.topic = old.topic AND p.id = old.id;
END
$body$;

-- Removes messages that no group needs, beyond those that the topic keeps. Goes through at most a_max, behind a_after.
CREATE FUNCTION mq.sweep_1(a_topic text, a_retain int, a_after bigint, a_max int, OUT last bigint, OUT removed bigint)
LANGUAGE plpgsql AS $body$
DECLARE
  this bigint;
  newest_removable bigint;
BEGIN
  SELECT t.id INTO this FROM mq.topics t WHERE t.name = a_topic;
  IF this IS NULL OR NOT pg_try_advisory_xact_lock_shared(mq.topic_lock(this)) THEN RETURN; END IF;
  SELECT m.id INTO newest_removable FROM mq.messages m WHERE m.topic = this ORDER BY m.id DESC OFFSET a_retain LIMIT 1;
  IF newest_removable IS NULL THEN RETURN; END IF;
  WITH part AS MATERIALIZED (
    SELECT m.id FROM mq.messages m WHERE m.topic = this AND m.id > a_after AND m.id <= newest_removable ORDER BY m.id LIMIT a_max
  ), gone AS (
    DELETE FROM mq.messages m USING part p WHERE m.id = p.id AND NOT EXISTS (SELECT FROM mq.deliveries d WHERE d.message = p.id)
    RETURNING m.id
  )
  SELECT (SELECT max(p.id) FROM part p), (SELECT count(*) FROM gone) INTO last, removed;
END
$body$;
`
