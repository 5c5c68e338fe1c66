-- Promptsheet's database as a new library gets it; what brings an older one here is in migrations/.
-- One connection writes (the engine process); readers open it read-only.

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
    images     INTEGER NOT NULL,
    waiting    INTEGER NOT NULL,
    rendering  INTEGER NOT NULL DEFAULT 0,
    stopped    INTEGER NOT NULL DEFAULT 0,
    failed     INTEGER NOT NULL DEFAULT 0,
    done       INTEGER NOT NULL DEFAULT 0,
    bytes      INTEGER NOT NULL DEFAULT 0,
    trashed    REAL,                          -- seconds since 1970; 0: not wholly accepted yet;
                                              -- NULL: not in the trash
    tags       TEXT NOT NULL DEFAULT '[]',    -- JSON: words
    favourites INTEGER NOT NULL DEFAULT 0,
    rewriting  INTEGER NOT NULL DEFAULT 0     -- images whose prompts are to be rewritten
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
    seconds    REAL,                             -- from the first step to the last pixel
    lot        INTEGER NOT NULL DEFAULT 0,       -- 0: a model's first; else the lot of one model
    work       REAL NOT NULL DEFAULT 0,          -- pixels × steps × size
    ended      REAL                              -- when its last pixel was there
) STRICT;

CREATE INDEX batches_by_lot ON batches (session, lot);
CREATE INDEX batches_by_end ON batches (ended) WHERE ended IS NOT NULL;

CREATE TABLE conditions (
    session INTEGER NOT NULL REFERENCES sessions (id),
    model   TEXT NOT NULL,                    -- a label of the model list
    body    TEXT NOT NULL,                    -- JSON, chosen before its first batch, then kept
    PRIMARY KEY (session, model)
) STRICT, WITHOUT ROWID;

-- Models of a session whose files are, or may be, no longer those it was planned with.
CREATE TABLE model_changes (
    session INTEGER NOT NULL REFERENCES sessions (id),
    model   TEXT NOT NULL,                    -- a label of the model list
    planned TEXT NOT NULL,                    -- fingerprint of the files it was planned with
    awaits  TEXT CHECK (awaits IN ('decision', 'files')),  -- whether to go on with others, or
                                              -- files that load; NULL: nothing
    PRIMARY KEY (session, model)
) STRICT, WITHOUT ROWID;

CREATE TABLE fits (
    device TEXT NOT NULL,                     -- its name
    model  TEXT NOT NULL,                     -- fingerprint
    shape  TEXT NOT NULL,                     -- width × height
    size   INTEGER NOT NULL,                  -- the largest batch that memory may hold
    PRIMARY KEY (device, model, shape)
) STRICT, WITHOUT ROWID;

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
    favourite  INTEGER NOT NULL DEFAULT 0,
    trashed    REAL,                          -- seconds since 1970; NULL: not in the trash
    pixels     TEXT                           -- digest of the picture alone, as it was drawn
) STRICT;

CREATE INDEX images_by_row ON images (row, variation);
CREATE INDEX images_by_batch ON images (batch, slot);
CREATE INDEX images_by_finish ON images (session, finished) WHERE state = 'done';
CREATE INDEX images_waiting ON images (session, batch) WHERE state = 'waiting';
CREATE INDEX images_rendering ON images (session) WHERE state = 'rendering';

-- Covers "the images of a session in these states, in the order of the sheet".
CREATE INDEX images_by_session ON images (session, trashed, state);
CREATE INDEX images_favourite ON images (id) WHERE favourite = 1 AND trashed IS NULL;
CREATE INDEX images_trashed ON images (trashed) WHERE trashed IS NOT NULL;
-- Without these, deleting a session would look through all batches for each of its own.
CREATE INDEX batches_by_session ON batches (session);
CREATE INDEX batches_by_origin ON batches (split_from) WHERE split_from IS NOT NULL;
CREATE INDEX sessions_by_creation ON sessions (created, id);

-- The counts of a row and of a session follow from its images' states; `verify` checks them.
-- Trashed images leave the totals, and their states do not count until they come back.
CREATE TRIGGER image_state AFTER UPDATE OF state ON images
WHEN old.state <> new.state AND new.trashed IS NULL
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

CREATE TRIGGER image_trashed AFTER UPDATE OF trashed ON images
WHEN old.trashed IS NULL AND new.trashed IS NOT NULL
BEGIN
    UPDATE rows SET
        images    = images    - 1,
        waiting   = waiting   - (new.state = 'waiting'),
        rendering = rendering - (new.state = 'rendering'),
        stopped   = stopped   - (new.state = 'stopped'),
        failed    = failed    - (new.state = 'failed'),
        done      = done      - (new.state = 'done')
    WHERE id = new.row;
    UPDATE sessions SET
        images     = images     - 1,
        waiting    = waiting    - (new.state = 'waiting'),
        rendering  = rendering  - (new.state = 'rendering'),
        stopped    = stopped    - (new.state = 'stopped'),
        failed     = failed     - (new.state = 'failed'),
        done       = done       - (new.state = 'done'),
        bytes      = bytes      - (new.state = 'done') * coalesce(new.bytes, 0),
        favourites = favourites - new.favourite
    WHERE id = new.session;
END;

CREATE TRIGGER image_restored AFTER UPDATE OF trashed ON images
WHEN old.trashed IS NOT NULL AND new.trashed IS NULL
BEGIN
    UPDATE rows SET
        images    = images    + 1,
        waiting   = waiting   + (new.state = 'waiting'),
        rendering = rendering + (new.state = 'rendering'),
        stopped   = stopped   + (new.state = 'stopped'),
        failed    = failed    + (new.state = 'failed'),
        done      = done      + (new.state = 'done')
    WHERE id = new.row;
    UPDATE sessions SET
        images     = images     + 1,
        waiting    = waiting    + (new.state = 'waiting'),
        rendering  = rendering  + (new.state = 'rendering'),
        stopped    = stopped    + (new.state = 'stopped'),
        failed     = failed     + (new.state = 'failed'),
        done       = done       + (new.state = 'done'),
        bytes      = bytes      + (new.state = 'done') * coalesce(new.bytes, 0),
        favourites = favourites + new.favourite
    WHERE id = new.session;
END;

CREATE TRIGGER image_favourite AFTER UPDATE OF favourite ON images
WHEN old.favourite <> new.favourite AND new.trashed IS NULL
BEGIN
    UPDATE sessions SET favourites = favourites + new.favourite - old.favourite
    WHERE id = new.session;
END;

-- Words of every row's prompt; the text itself stays in `rows`.
CREATE VIRTUAL TABLE prompts USING fts5(
    prompt, content = '', tokenize = "unicode61 remove_diacritics 2"
);
CREATE TRIGGER row_added AFTER INSERT ON rows
BEGIN
    INSERT INTO prompts (rowid, prompt) VALUES (new.id, json_extract(new.cells, '$.prompt'));
END;
CREATE TRIGGER row_removed AFTER DELETE ON rows
BEGIN
    INSERT INTO prompts (prompts, rowid, prompt)
    VALUES ('delete', old.id, json_extract(old.cells, '$.prompt'));
END;

-- Prompts that a language model is still to rewrite: the first stage of a session.
-- Until it is there an image's recipe has the prompt as it would be without a language model.
CREATE TABLE rewrites (
    session INTEGER NOT NULL REFERENCES sessions (id),
    image   INTEGER NOT NULL REFERENCES images (id),
    prompt  TEXT NOT NULL,                    -- what is asked for
    around  TEXT NOT NULL,                    -- the style's words; {prompt} is where it goes
    PRIMARY KEY (session, image)
) STRICT, WITHOUT ROWID;

CREATE INDEX rewrites_by_image ON rewrites (image);
CREATE TRIGGER rewrite_asked AFTER INSERT ON rewrites
BEGIN
    UPDATE sessions SET rewriting = rewriting + 1 WHERE id = new.session;
END;
CREATE TRIGGER rewrite_settled AFTER DELETE ON rewrites
BEGIN
    UPDATE sessions SET rewriting = rewriting - 1 WHERE id = old.session;
END;
