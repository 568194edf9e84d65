-- All photos of an album, until its portrait goes: the best is taken, and the owner may take another one.

CREATE TABLE album_photos (
    portrait       INTEGER NOT NULL REFERENCES portraits (id) ON DELETE CASCADE,
    message        INTEGER NOT NULL,               -- the owner's
    file_id        TEXT NOT NULL,
    file_unique_id TEXT NOT NULL,
    added_at       REAL NOT NULL,
    PRIMARY KEY (portrait, message)
) STRICT, WITHOUT ROWID;

ALTER TABLE portraits ADD COLUMN album_message INTEGER;          -- with the photo of the album that was taken
ALTER TABLE portraits ADD COLUMN told_album TEXT NOT NULL DEFAULT '';  -- the state in whose question it was told which
ALTER TABLE portraits ADD COLUMN go_on INTEGER NOT NULL DEFAULT 0;  -- 1: with this photo, although it is weak

-- When all pets of one photo are made young: the id of the first one's portrait, in all of theirs.
ALTER TABLE portraits ADD COLUMN together INTEGER;
CREATE UNIQUE INDEX portraits_by_pet ON portraits (together, head) WHERE together IS NOT NULL;

-- The photo with a number at each head, while the owner is asked which one is meant.
ALTER TABLE portraits ADD COLUMN numbered TEXT REFERENCES media (digest);
CREATE INDEX portraits_by_numbered ON portraits (numbered);

DROP VIEW unused_media;
CREATE VIEW unused_media AS
SELECT digest FROM media AS m
WHERE NOT EXISTS (SELECT 1 FROM portraits WHERE photo = m.digest)
  AND NOT EXISTS (SELECT 1 FROM portraits WHERE baby_photo = m.digest)
  AND NOT EXISTS (SELECT 1 FROM portraits WHERE latent = m.digest)
  AND NOT EXISTS (SELECT 1 FROM portraits WHERE numbered = m.digest)
  AND NOT EXISTS (SELECT 1 FROM pets WHERE baby_photo = m.digest)
  AND NOT EXISTS (SELECT 1 FROM results WHERE digest = m.digest)
  AND NOT EXISTS (SELECT 1 FROM results WHERE thumbnail = m.digest);

-- Sticker sets that we made for their owners. Telegram keeps them; /forgetme deletes them there.
CREATE TABLE sticker_sets (
    name       TEXT PRIMARY KEY,
    owner      INTEGER NOT NULL,
    created_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sticker_sets_by_owner ON sticker_sets (owner);

-- What we put into them. A row is written before Telegram is asked, with the number of stickers at that time.
CREATE TABLE stickers (
    portrait INTEGER NOT NULL REFERENCES portraits (id) ON DELETE CASCADE,
    age      REAL NOT NULL,
    name     TEXT NOT NULL REFERENCES sticker_sets (name) ON DELETE CASCADE,
    before   INTEGER NOT NULL,
    file_id  TEXT NOT NULL DEFAULT '',             -- '' until it is known to be in the set
    PRIMARY KEY (portrait, age)
) STRICT, WITHOUT ROWID;
