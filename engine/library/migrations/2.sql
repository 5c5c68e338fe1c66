-- Conditions for each model of a session; batches that know their work, their lot and their end;
-- batch sizes that memory allowed.

CREATE TABLE conditions (
    session INTEGER NOT NULL REFERENCES sessions (id),
    model   TEXT NOT NULL,                    -- a label of the model list
    body    TEXT NOT NULL,                    -- JSON, chosen before its first batch, then kept
    PRIMARY KEY (session, model)
) STRICT, WITHOUT ROWID;

INSERT INTO conditions (session, model, body)
    SELECT DISTINCT s.id, json_extract(p.body, '$.model'), s.conditions
    FROM sessions s JOIN images i ON i.session = s.id JOIN recipes p ON p.id = i.recipe
    WHERE s.conditions IS NOT NULL;

ALTER TABLE sessions DROP COLUMN conditions;

CREATE TABLE fits (
    device TEXT NOT NULL,                     -- its name
    model  TEXT NOT NULL,                     -- fingerprint
    shape  TEXT NOT NULL,                     -- width × height
    size   INTEGER NOT NULL,                  -- the largest batch that memory may hold
    PRIMARY KEY (device, model, shape)
) STRICT, WITHOUT ROWID;

ALTER TABLE batches ADD COLUMN lot INTEGER NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN work REAL NOT NULL DEFAULT 0;
ALTER TABLE batches ADD COLUMN ended REAL;

UPDATE batches SET
    ended = started + seconds,
    work = coalesce(size * (
        SELECT json_extract(p.body, '$.width') * json_extract(p.body, '$.height')
             * json_extract(p.body, '$.steps')
        FROM images i JOIN recipes p ON p.id = i.recipe WHERE i.batch = batches.id LIMIT 1), 0);

CREATE INDEX batches_by_lot ON batches (session, lot);
CREATE INDEX batches_by_end ON batches (ended) WHERE ended IS NOT NULL;
CREATE INDEX images_by_finish ON images (session, finished) WHERE state = 'done';
