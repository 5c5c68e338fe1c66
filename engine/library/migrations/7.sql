-- Images that are made of an image of their own row, larger, once that is done.

CREATE TABLE parents (
    image   INTEGER PRIMARY KEY REFERENCES images (id),
    session INTEGER NOT NULL REFERENCES sessions (id),
    parent  INTEGER NOT NULL REFERENCES images (id),
    source  INTEGER REFERENCES sources (id)   -- the parent's picture; NULL until it is done
) STRICT;

CREATE INDEX parents_by_parent ON parents (parent);
CREATE INDEX parents_by_source ON parents (source);
CREATE INDEX parents_by_session ON parents (session);

-- What cannot come of an image that failed, or was stopped, does not wait for it.
CREATE TRIGGER parent_state AFTER UPDATE OF state ON images
WHEN new.state IN ('failed', 'stopped') AND old.state <> new.state
BEGIN
    UPDATE images SET
        state = new.state,
        error = CASE new.state WHEN 'failed' THEN 'the image that it is to be made of failed' END
    WHERE state = 'waiting'
        AND id IN (SELECT image FROM parents WHERE parent = new.id AND source IS NULL);
END;
