"""Hostile and benign statements over the database of `tests.tables`, by dialect."""

from __future__ import annotations

EVERYWHERE = """
INSERT INTO ship (id, name) VALUES (9, 'x')
UPDATE ship SET name = 'x'
DELETE FROM ship
REPLACE INTO ship VALUES (1, 'x')
TRUNCATE TABLE ship
DROP TABLE ship
ALTER TABLE ship ADD COLUMN x INTEGER
CREATE TABLE loot AS SELECT * FROM ship
CREATE VIEW loot AS SELECT * FROM ship
CREATE INDEX loot ON ship (name)
GRANT ALL ON ship TO PUBLIC
SELECT 1; DROP TABLE ship
SELECT 1; SELECT 2
SELECT name FROM ship; --
BEGIN
COMMIT
SET ROLE postgres
CALL drop_everything()
EXPLAIN SELECT * FROM smuggler
EXPLAIN ANALYZE DELETE FROM ship
VALUES (1)
TABLE smuggler
SELECT * FROM smuggler
SELECT alias FROM smuggler WHERE id = 1
SELECT name FROM ship UNION SELECT alias FROM smuggler
SELECT name FROM ship WHERE id IN (SELECT id FROM smuggler)
SELECT name FROM ship WHERE EXISTS (SELECT 1 FROM smuggler)
SELECT (SELECT hideout FROM smuggler LIMIT 1)
SELECT name FROM ship ORDER BY (SELECT hideout FROM smuggler LIMIT 1)
WITH smuggler AS (SELECT * FROM smuggler) SELECT * FROM smuggler
WITH a AS (SELECT * FROM smuggler) SELECT * FROM a
SELECT COUNT(*) FROM (WITH smuggler AS (SELECT 1 AS a) SELECT a FROM smuggler) AS x, smuggler
SELECT s.name FROM ship AS s JOIN smuggler AS z ON z.id = s.id
SELECT password FROM captain
SELECT first_name FROM captain WHERE password = 'hunter2'
SELECT first_name FROM captain ORDER BY password
SELECT MAX(password) FROM captain
SELECT c.password FROM captain AS c
SELECT first_name FROM captain GROUP BY password
SELECT s.name FROM ship s JOIN captain c ON c.password = s.name
SELECT captain FROM captain
SELECT c FROM captain AS c
SELECT name FROM ship FOR UPDATE
SELECT name INTO loot FROM ship
WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT COUNT(*) FROM r
WITH gone AS (DELETE FROM ship RETURNING *) SELECT * FROM gone
WITH more AS (INSERT INTO ship (id, name) VALUES (9, 'x') RETURNING id) SELECT * FROM more
SELECT name FROM information_schema.tables
SELECT table_name FROM information_schema.columns
SELECT REPEAT('x', 1000000000)
SELECT REPLACE(name, 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa') FROM ship
SELECT LPAD('x', 1000000000, 'y')
SELECT name FROM ship WHERE name LIKE '%a%b%c%d%e%f%g%h%'
SELECT name FROM ship WHERE name LIKE name || '%'
SELECT name FROM ship LIMIT (SELECT id FROM smuggler)
SELECT CAST(name AS CHAR(100000000)) FROM ship
SELECT ROUND(tonnage, 100000) FROM ship
SELECT name FROM ship NATURAL JOIN harbour
SELECT unknown_function(name) FROM ship
SELECT RAND(), name FROM ship
SELECT GROUP_CONCAT(name) FROM ship
"""
SQLITE = """
PRAGMA table_info(ship)
PRAGMA writable_schema = ON
ATTACH DATABASE '/tmp/loot.db' AS loot
VACUUM INTO '/tmp/loot.db'
SELECT * FROM sqlite_master
SELECT sql FROM sqlite_schema
SELECT * FROM main.sqlite_master
SELECT * FROM temp.ship
SELECT * FROM pragma_table_info('smuggler')
SELECT load_extension('/tmp/evil.so')
SELECT readfile('/etc/passwd')
SELECT writefile('/tmp/loot', 'x')
SELECT zeroblob(1000000000)
SELECT hex(randomblob(100000000))
SELECT printf('%1000000000d', 1)
SELECT format('%1000000000d', 1)
SELECT quote(zeroblob(1000000))
SELECT * FROM json_each('[1]')
SELECT * FROM generate_series(1, 1000000000)
SELECT sqlite_version()
SELECT name || name || name || name || name || name || name || name || name || name FROM ship
SELECT fts3_tokenizer('simple')
SELECT edit(name) FROM ship
SELECT name FROM ship WHERE name GLOB '*a*b*c*d*e*f*'
SELECT name FROM ship WHERE name REGEXP '(a+)+$'
SELECT name FROM ship WHERE name MATCH 'x'
SELECT rowid FROM smuggler
"""
POSTGRES = """
SELECT pg_sleep(10)
SELECT pg_read_file('/etc/passwd')
SELECT pg_ls_dir('/')
SELECT lo_import('/etc/passwd')
SELECT lo_export(1, '/tmp/loot')
SELECT dblink('host=127.0.0.1', 'select 1')
SELECT * FROM dblink('host=127.0.0.1', 'select 1') AS t(a INT)
COPY ship TO '/tmp/loot'
COPY (SELECT * FROM ship) TO PROGRAM 'sh'
COPY ship FROM PROGRAM 'sh'
DO $$ BEGIN PERFORM pg_sleep(10); END $$
SELECT set_config('statement_timeout', '0', false)
SET statement_timeout = 0
RESET ALL
LISTEN loot
NOTIFY loot
LOCK TABLE ship
SELECT * FROM pg_catalog.pg_authid
SELECT * FROM pg_shadow
SELECT 'smuggler'::regclass
SELECT 'pg_sleep'::regproc
SELECT CAST('smuggler' AS regclass)
SELECT query_to_xml('select * from smuggler', true, true, '')
SELECT table_to_xml('smuggler', true, true, '')
SELECT * FROM generate_series(1, 1000000000)
SELECT unnest(ARRAY[1, 2])
SELECT (ship).name FROM ship
SELECT ROW(ship.*) FROM ship
SELECT ship.*::text FROM ship
SELECT to_jsonb(captain) FROM captain
SELECT row_to_json(c) FROM captain c
SELECT string_agg(name, ',') FROM ship
SELECT array_agg(name) FROM ship
SELECT name FROM ship WHERE name ~ '(a+)+$'
SELECT name FROM ship WHERE name SIMILAR TO '(a+)+'
SELECT name FROM ship TABLESAMPLE SYSTEM (10)
SELECT name FROM ONLY ship
SELECT x.alias FROM ship, LATERAL (SELECT alias FROM smuggler) AS x
SELECT current_setting('data_directory')
SELECT inet_server_addr()
SELECT currval('ship_id_seq')
SELECT nextval('ship_id_seq')
SELECT txid_current()
SELECT name || name || name || name || name || name || name || name || name || name FROM ship
SELECT pg_advisory_lock(1)
SELECT pg_terminate_backend(1)
SELECT name FROM pg_temp.ship
SELECT xpath('/a', '<a/>')
SELECT 1 FETCH FIRST 1000000 ROWS WITH TIES
SELECT has_table_privilege('smuggler', 'select')
"""
MYSQL = """
SELECT SLEEP(10)
SELECT BENCHMARK(1000000000, MD5('x'))
SELECT LOAD_FILE('/etc/passwd')
SELECT name FROM ship INTO OUTFILE '/tmp/loot'
SELECT name FROM ship INTO DUMPFILE '/tmp/loot'
SELECT name INTO @x FROM ship
SELECT @@version
SELECT @x := 1
LOAD DATA INFILE '/etc/passwd' INTO TABLE ship
HANDLER ship OPEN
SHOW TABLES
SHOW GRANTS
DESCRIBE ship
USE mysql
SELECT * FROM mysql.user
SELECT user FROM mysql.global_priv
SELECT GET_LOCK('x', 10)
SELECT RELEASE_ALL_LOCKS()
SELECT name FROM ship LOCK IN SHARE MODE
SELECT name FROM ship PROCEDURE ANALYSE()
SELECT EXTRACTVALUE(1, CONCAT(0x7e, (SELECT hideout FROM smuggler)))
SELECT UPDATEXML(1, CONCAT(0x7e, VERSION()), 1)
SELECT name FROM ship WHERE name RLIKE '(a+)+$'
SELECT SPACE(1000000000)
SELECT COMPRESS(name) FROM ship
SELECT SYS_EXEC('id')
SELECT DATABASE()
SELECT USER()
SELECT CONNECTION_ID()
SELECT CONCAT(name, name, name, name, name, name, name, name, name, name) FROM ship
SELECT UUID()
SELECT name FROM ship USE INDEX (primary)
SELECT HIGH_PRIORITY SQL_NO_CACHE name FROM smuggler
DO SLEEP(10)
PREPARE p FROM 'select 1'
EXECUTE IMMEDIATE 'drop table ship'
KILL 1
RENAME TABLE ship TO boat
"""


def statements(text: str) -> list[str]:
    """One per line."""
    return [line.strip() for line in text.splitlines() if line.strip()]


HOSTILE = {
    "sqlite": statements(EVERYWHERE) + statements(SQLITE),
    "postgres": statements(EVERYWHERE) + statements(POSTGRES),
    "mysql": statements(EVERYWHERE) + statements(MYSQL),
}

BENIGN = statements(
    """
SELECT * FROM ship
SELECT ship.* FROM ship
SELECT name FROM ship
SELECT name, tonnage FROM ship ORDER BY tonnage DESC LIMIT 3
SELECT DISTINCT ship_type FROM ship
SELECT COUNT(*) FROM ship
SELECT COUNT(DISTINCT ship_type) AS kinds FROM ship
SELECT COUNT(home_id) FROM ship
SELECT SUM(tonnage), AVG(tonnage), MIN(tonnage), MAX(tonnage) FROM ship
SELECT ship_type, COUNT(*) AS n FROM ship GROUP BY ship_type ORDER BY n DESC, ship_type
SELECT ship_type, AVG(tonnage) FROM ship GROUP BY ship_type HAVING AVG(tonnage) > 1000
SELECT ship_type AS kind, COUNT(*) FROM ship GROUP BY kind ORDER BY 2 DESC
SELECT name FROM ship WHERE tonnage > 1000 AND built_year >= 2000
SELECT name FROM ship WHERE tonnage BETWEEN 1000 AND 5000 OR built_year < 1990
SELECT name FROM ship WHERE ship_type IN ('tanker', 'trawler')
SELECT name FROM ship WHERE NOT ship_type = 'tanker'
SELECT name FROM ship WHERE ship_type <> 'tanker'
SELECT name FROM ship WHERE home_id IS NULL
SELECT name FROM ship WHERE home_id IS NOT NULL
SELECT name FROM ship WHERE name LIKE 'H%'
SELECT name FROM ship WHERE LOWER(name) LIKE LOWER('%ER%')
SELECT name FROM ship WHERE name LIKE '%e%n%'
SELECT UPPER(name), LOWER(ship_type), LENGTH(name) FROM ship
SELECT SUBSTR(name, 1, 3) FROM ship
SELECT TRIM(name) FROM ship
SELECT COALESCE(home_id, 0) FROM ship
SELECT NULLIF(tonnage, 0) FROM ship
SELECT ROUND(AVG(tonnage), 2) FROM ship
SELECT ABS(tonnage - 4000) FROM ship
SELECT tonnage * 2 + 1, tonnage / 2, tonnage % 7 FROM ship
SELECT CAST(tonnage AS DECIMAL(10, 2)) FROM ship
SELECT 1.0 * SUM(tonnage) / COUNT(*) AS mean FROM ship
SELECT CASE WHEN tonnage > 4000 THEN 'large' ELSE 'small' END AS size FROM ship
SELECT CASE ship_type WHEN 'tanker' THEN 1 WHEN 'trawler' THEN 2 END FROM ship
SELECT SUM(CASE WHEN ship_type = 'tanker' THEN 1 ELSE 0 END) FROM ship
SELECT s.name, h.name FROM ship s JOIN harbour h ON s.home_id = h.id
SELECT s.name, h.name AS home FROM ship AS s LEFT JOIN harbour AS h ON s.home_id = h.id
SELECT h.name FROM harbour h LEFT JOIN ship s ON s.home_id = h.id WHERE s.id IS NULL
SELECT s.name FROM ship s, voyage v WHERE v.ship_id = s.id AND v.cost > 20000
SELECT c.last_name, COUNT(*) FROM captain c INNER JOIN voyage v ON v.captain_id = c.id
 GROUP BY c.id, c.last_name
SELECT name FROM ship WHERE id IN (SELECT ship_id FROM voyage WHERE cost > 20000)
SELECT name FROM ship WHERE EXISTS (SELECT 1 FROM voyage WHERE voyage.ship_id = ship.id)
SELECT name FROM ship s WHERE NOT EXISTS (SELECT 1 FROM voyage v WHERE v.ship_id = s.id)
SELECT name FROM ship WHERE tonnage = (SELECT MAX(tonnage) FROM ship)
SELECT name, (SELECT COUNT(*) FROM voyage v WHERE v.ship_id = s.id) AS trips FROM ship s
WITH trips AS (SELECT ship_id, COUNT(*) AS n FROM voyage GROUP BY ship_id)
 SELECT s.name, t.n FROM trips t JOIN ship s ON s.id = t.ship_id ORDER BY t.n DESC, s.name
WITH a AS (SELECT id, name FROM ship), b AS (SELECT id FROM a WHERE id > 1)
 SELECT a.name FROM a JOIN b ON a.id = b.id
SELECT AVG(n) FROM (SELECT COUNT(*) AS n FROM voyage GROUP BY ship_id) AS counts
SELECT name FROM ship UNION SELECT name FROM harbour
SELECT name FROM ship UNION ALL SELECT name FROM harbour ORDER BY name LIMIT 5
SELECT country FROM harbour EXCEPT SELECT country FROM harbour WHERE depth_m > 20
SELECT name, RANK() OVER (ORDER BY tonnage DESC) AS place FROM ship
SELECT name, ROW_NUMBER() OVER (PARTITION BY ship_type ORDER BY tonnage) FROM ship
SELECT sail_date, cost - LAG(cost) OVER (ORDER BY sail_date, id) FROM voyage
SELECT name FROM harbour WHERE is_open = TRUE
SELECT name FROM harbour WHERE is_open
SELECT sail_date FROM voyage WHERE sail_date >= '2024-01-01' AND sail_date < '2025-01-01'
SELECT sail_date FROM voyage WHERE sail_date BETWEEN '2023-01-01' AND '2023-12-31'
SELECT * FROM voyage WHERE sail_date < CURRENT_DATE
SELECT MAX(sail_date), MIN(sail_date) FROM voyage
SELECT name FROM ship LIMIT 2 OFFSET 1
SELECT NAME, Tonnage FROM SHIP
SELECT "name" FROM "ship"
SELECT s.name AS "the ship" FROM ship AS s ORDER BY "the ship"
(SELECT name FROM ship)
SELECT name FROM ship /* the fleet */ -- all of it
SELECT name FROM ship;
SELECT COUNT(*) FROM ship a CROSS JOIN harbour b
SELECT a.name FROM ship a JOIN ship b ON a.home_id = b.home_id AND a.id < b.id
""".replace("\n ", " ")
)
BENIGN_BY_DIALECT = {
    "sqlite": statements(
        """
SELECT strftime('%Y', sail_date) AS year, COUNT(*) FROM voyage GROUP BY year
SELECT date('now', '-7 days')
SELECT julianday(MAX(sail_date)) - julianday(MIN(sail_date)) FROM voyage
SELECT IFNULL(home_id, 0), IIF(tonnage > 1, 'a', 'b') FROM ship
SELECT first_name || ' ' || last_name AS captain FROM captain
"""
    ),
    "postgres": statements(
        """
SELECT EXTRACT(YEAR FROM sail_date) AS year, COUNT(*) FROM voyage GROUP BY 1
SELECT DATE_TRUNC('month', sail_date) AS month, SUM(cost) FROM voyage GROUP BY 1
SELECT TO_CHAR(sail_date, 'YYYY-MM') FROM voyage
SELECT * FROM voyage WHERE sail_date > CURRENT_DATE - INTERVAL '30 days'
SELECT name FROM ship WHERE name ILIKE 'h%'
SELECT tonnage::numeric / 3 FROM ship
SELECT COUNT(*) FILTER (WHERE tonnage > 1000) FROM ship
SELECT name FROM public.ship
SELECT first_name || ' ' || last_name AS captain FROM captain
"""
    ),
    "mysql": statements(
        """
SELECT YEAR(sail_date) AS year, COUNT(*) FROM voyage GROUP BY year
SELECT DATE_FORMAT(sail_date, '%Y-%m') AS month, SUM(cost) FROM voyage GROUP BY month
SELECT * FROM voyage WHERE sail_date > DATE_SUB(CURDATE(), INTERVAL 30 DAY)
SELECT DATEDIFF(MAX(sail_date), MIN(sail_date)) FROM voyage
SELECT IF(tonnage > 1000, 'large', 'small') FROM ship
SELECT CONCAT(first_name, ' ', last_name) AS captain FROM captain
SELECT `name` FROM `ship`
"""
    ),
}
NOT_MYSQL = ('SELECT "name" FROM "ship"', 'SELECT s.name AS "the ship"')


def benign(dialect: str) -> list[str]:
    """What must pass in a dialect; MySQL takes double quotes for text."""
    shared = [s for s in BENIGN if dialect != "mysql" or not s.startswith(NOT_MYSQL)]
    return shared + BENIGN_BY_DIALECT[dialect]
