-- What a person decides about images and sessions: trashed, tagged, favourite; and search.

ALTER TABLE images ADD COLUMN trashed REAL;         -- seconds since 1970; NULL: not in the trash
ALTER TABLE sessions ADD COLUMN trashed REAL;       -- the same, of the session as a whole
ALTER TABLE sessions ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';        -- JSON: words
ALTER TABLE sessions ADD COLUMN favourites INTEGER NOT NULL DEFAULT 0;  -- kept by triggers

UPDATE sessions SET favourites =
    (SELECT count(*) FROM images WHERE session = sessions.id AND favourite = 1);

-- Covers "the images of a session in these states, in the order of the sheet".
CREATE INDEX images_by_session ON images (session, trashed, state);
CREATE INDEX images_favourite ON images (id) WHERE favourite = 1 AND trashed IS NULL;
CREATE INDEX images_trashed ON images (trashed) WHERE trashed IS NOT NULL;
-- Without these, deleting a session would look through all batches for each of its own.
CREATE INDEX batches_by_session ON batches (session);
CREATE INDEX batches_by_origin ON batches (split_from) WHERE split_from IS NOT NULL;
CREATE INDEX sessions_by_creation ON sessions (created, id);

-- Trashed images leave the totals, and their states do not count until they come back.
DROP TRIGGER image_state;
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
INSERT INTO prompts (rowid, prompt) SELECT id, json_extract(cells, '$.prompt') FROM rows;
CREATE TRIGGER row_added AFTER INSERT ON rows
BEGIN
    INSERT INTO prompts (rowid, prompt) VALUES (new.id, json_extract(new.cells, '$.prompt'));
END;
CREATE TRIGGER row_removed AFTER DELETE ON rows
BEGIN
    INSERT INTO prompts (prompts, rowid, prompt)
    VALUES ('delete', old.id, json_extract(old.cells, '$.prompt'));
END;
