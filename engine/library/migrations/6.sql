-- Pictures that images are drawn on: copies in the library, which outlive the originals.

CREATE TABLE sources (
    id     INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,              -- of the whole file, which is called by it
    bytes  INTEGER NOT NULL,
    width  INTEGER NOT NULL,                  -- pixels, as it is looked at
    height INTEGER NOT NULL
) STRICT;

-- Which rows are drawn on which.
CREATE TABLE row_sources (
    row    INTEGER NOT NULL REFERENCES rows (id),
    role   TEXT NOT NULL CHECK (role IN ('image', 'mask')),
    source INTEGER NOT NULL REFERENCES sources (id),
    name   TEXT NOT NULL,                     -- what the user called it, folders and all
    PRIMARY KEY (row, role)
) STRICT, WITHOUT ROWID;

CREATE INDEX row_sources_by_source ON row_sources (source);
