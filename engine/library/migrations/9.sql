-- Ratings from 0 to 5, and rows of which someone has decided which images are kept.
-- A favourite is an image rated 5: that is said here, and nowhere else.

ALTER TABLE images ADD COLUMN rating INTEGER NOT NULL DEFAULT 0 CHECK (rating BETWEEN 0 AND 5);
ALTER TABLE rows ADD COLUMN decided REAL;           -- seconds since 1970; NULL: not yet

UPDATE images SET rating = 5 WHERE favourite = 1;

-- These look at the column that goes.
DROP TRIGGER image_favourite;
DROP TRIGGER image_trashed;
DROP TRIGGER image_restored;
DROP INDEX images_favourite;
ALTER TABLE images DROP COLUMN favourite;
ALTER TABLE images ADD COLUMN favourite INTEGER GENERATED ALWAYS AS (rating = 5) VIRTUAL;

CREATE INDEX images_favourite ON images (id) WHERE favourite = 1 AND trashed IS NULL;
CREATE INDEX rows_undecided ON rows (session, number) WHERE decided IS NULL;
CREATE INDEX images_rated ON images (rating, id) WHERE rating > 0 AND trashed IS NULL;

CREATE TRIGGER image_rated AFTER UPDATE OF rating ON images
WHEN (old.rating = 5) <> (new.rating = 5) AND new.trashed IS NULL
BEGIN
    UPDATE sessions SET favourites = favourites + new.favourite - old.favourite
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
