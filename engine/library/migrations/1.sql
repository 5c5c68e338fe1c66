-- Promptsheet's database. One connection writes (the engine process); readers open it read-only.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    id         INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,          -- the session's id, as people see it
    name       TEXT NOT NULL,
    created    REAL NOT NULL,                 -- seconds since 1970, when it was accepted
    finished   REAL,                          -- its last commit of images
    position   REAL NOT NULL,                 -- lower is rendered first
    source     TEXT NOT NULL,                 -- JSON: file, sheet, columns
    folder     TEXT NOT NULL UNIQUE,          -- relative to the library
    conditions TEXT,                          -- JSON, chosen before its first batch, then kept
    images     INTEGER NOT NULL,
    waiting    INTEGER NOT NULL,
    rendering  INTEGER NOT NULL DEFAULT 0,
    stopped    INTEGER NOT NULL DEFAULT 0,
    failed     INTEGER NOT NULL DEFAULT 0,
    done       INTEGER NOT NULL DEFAULT 0,
    bytes      INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE rows (
    id        INTEGER PRIMARY KEY,
    session   INTEGER NOT NULL REFERENCES sessions (id),
    number    INTEGER NOT NULL,               -- as the spreadsheet program shows it
    cells     TEXT NOT NULL,                  -- JSON: known column → text
    extra     TEXT NOT NULL,                  -- JSON: unknown column → text
    images    INTEGER NOT NULL,
    waiting   INTEGER NOT NULL,
    rendering INTEGER NOT NULL DEFAULT 0,
    stopped   INTEGER NOT NULL DEFAULT 0,
    failed    INTEGER NOT NULL DEFAULT 0,
    done      INTEGER NOT NULL DEFAULT 0,
    UNIQUE (session, number)
) STRICT;

-- A recipe without its seed: all variations of a row share one.
CREATE TABLE recipes (
    id   INTEGER PRIMARY KEY,
    body TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE batches (
    id         INTEGER PRIMARY KEY,
    session    INTEGER NOT NULL REFERENCES sessions (id),
    size       INTEGER NOT NULL,
    split_from INTEGER REFERENCES batches (id),  -- halved after running out of memory
    attempts   INTEGER NOT NULL DEFAULT 0,       -- begun and not ended, in a row: deaths
    started    REAL,
    seconds    REAL                              -- from the first step to the last pixel
) STRICT;

CREATE TABLE images (
    id         INTEGER PRIMARY KEY,
    session    INTEGER NOT NULL REFERENCES sessions (id),
    row        INTEGER NOT NULL REFERENCES rows (id),
    variation  INTEGER NOT NULL,
    key        TEXT NOT NULL UNIQUE,          -- the image's id, also inside its file
    seed       INTEGER NOT NULL,
    recipe     INTEGER NOT NULL REFERENCES recipes (id),
    batch      INTEGER NOT NULL REFERENCES batches (id),
    slot       INTEGER NOT NULL,
    file       TEXT NOT NULL,                 -- relative to the session's folder; holds once done
    state      TEXT NOT NULL DEFAULT 'waiting'
               CHECK (state IN ('waiting', 'rendering', 'stopped', 'failed', 'done')),
    strikes    INTEGER NOT NULL DEFAULT 0,
    error      TEXT,
    conditions TEXT,                          -- JSON, once done
    bytes      INTEGER,
    digest     TEXT,                          -- of the whole file, once done
    finished   REAL,
    favourite  INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX images_by_row ON images (row, variation);
CREATE INDEX images_by_batch ON images (batch, slot);
CREATE INDEX images_waiting ON images (session, batch) WHERE state = 'waiting';
CREATE INDEX images_rendering ON images (session) WHERE state = 'rendering';

-- The counts of a row and of a session follow from its images' states; `verify` checks them.
CREATE TRIGGER image_state AFTER UPDATE OF state ON images WHEN old.state <> new.state
BEGIN
    UPDATE rows SET
        waiting   = waiting   + (new.state = 'waiting')   - (old.state = 'waiting'),
        rendering = rendering + (new.state = 'rendering') - (old.state = 'rendering'),
        stopped   = stopped   + (new.state = 'stopped')   - (old.state = 'stopped'),
        failed    = failed    + (new.state = 'failed')    - (old.state = 'failed'),
        done      = done      + (new.state = 'done')      - (old.state = 'done')
    WHERE id = new.row;
    UPDATE sessions SET
        waiting   = waiting   + (new.state = 'waiting')   - (old.state = 'waiting'),
        rendering = rendering + (new.state = 'rendering') - (old.state = 'rendering'),
        stopped   = stopped   + (new.state = 'stopped')   - (old.state = 'stopped'),
        failed    = failed    + (new.state = 'failed')    - (old.state = 'failed'),
        done      = done      + (new.state = 'done')      - (old.state = 'done'),
        bytes     = bytes     + (new.state = 'done') * coalesce(new.bytes, 0)
                              - (old.state = 'done') * coalesce(old.bytes, 0)
    WHERE id = new.session;
END;
