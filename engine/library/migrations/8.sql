-- All finished images, the last finished first, whatever their session: one gallery over all.
-- Covers "the newest of those that are not in the trash"; its first columns are the same for all.

CREATE INDEX images_by_end ON images (trashed, state, finished DESC, session)
    WHERE state = 'done';
