-- The digest of each picture's pixels; models whose files changed under a session.

-- NULL for what was rendered before: it can be told by rendering or decoding alone.
ALTER TABLE images ADD COLUMN pixels TEXT;

-- Models of a session whose files are, or may be, no longer those it was planned with.
CREATE TABLE model_changes (
    session INTEGER NOT NULL REFERENCES sessions (id),
    model   TEXT NOT NULL,                    -- a label of the model list
    planned TEXT NOT NULL,                    -- fingerprint of the files it was planned with
    awaits  TEXT CHECK (awaits IN ('decision', 'files')),  -- whether to go on with others, or
                                              -- files that load; NULL: nothing
    PRIMARY KEY (session, model)
) STRICT, WITHOUT ROWID;
