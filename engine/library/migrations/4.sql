-- Prompts that a language model is still to rewrite: the first stage of a session.

ALTER TABLE sessions ADD COLUMN rewriting INTEGER NOT NULL DEFAULT 0;  -- images that await it

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
