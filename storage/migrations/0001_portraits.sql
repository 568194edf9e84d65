-- Times are seconds since 1970. Ids of people and chats are Telegram's; groups have negative ids.

CREATE TABLE media (
    digest     TEXT PRIMARY KEY,   -- SHA-256 of the content, which is also the file's name
    size       INTEGER NOT NULL,   -- bytes
    created_at REAL NOT NULL
) STRICT;

CREATE TABLE people (
    id                INTEGER PRIMARY KEY,
    language          TEXT,                        -- chosen with /language; NULL: follow Telegram
    telegram_language TEXT NOT NULL DEFAULT '',
    blocked           INTEGER NOT NULL DEFAULT 0,  -- by an administrator
    reachable         INTEGER NOT NULL DEFAULT 1,  -- 0 once they stopped the bot
    created_at        REAL NOT NULL
) STRICT;

CREATE TABLE groups (
    id          INTEGER PRIMARY KEY,
    present     INTEGER NOT NULL DEFAULT 1,        -- 0 once the bot was removed
    daily_limit INTEGER,                           -- NULL: the settings' limit
    created_at  REAL NOT NULL
) STRICT;

CREATE TABLE pets (
    id         INTEGER PRIMARY KEY,
    owner      INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    species    TEXT NOT NULL DEFAULT '',
    breed      TEXT NOT NULL DEFAULT '',
    baby_photo TEXT REFERENCES media (digest),
    created_at REAL NOT NULL,
    used_at    REAL NOT NULL,
    UNIQUE (owner, name)
) STRICT;

-- One row a photo: the conversation about it, the job and the history.
CREATE TABLE portraits (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    owner            INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    chat             INTEGER NOT NULL,
    topic            INTEGER,
    message          INTEGER NOT NULL,             -- the owner's message, which results reply to
    album            TEXT,                         -- Telegram's media_group_id
    language         TEXT NOT NULL,                -- of the words said about this portrait
    state            TEXT NOT NULL,
    again_of         INTEGER REFERENCES portraits (id) ON DELETE SET NULL,
    file_id          TEXT NOT NULL,                -- Telegram's, to download the photo
    photo            TEXT REFERENCES media (digest),
    baby_file_id     TEXT,
    baby_photo       TEXT REFERENCES media (digest),
    recognition      TEXT,                         -- JSON, read and written by the bot
    head             INTEGER,                      -- index of the chosen head
    species          TEXT NOT NULL DEFAULT '',
    breed            TEXT,                         -- NULL: not asked yet; '': the owner does not know
    pet              INTEGER REFERENCES pets (id) ON DELETE SET NULL,
    name             TEXT NOT NULL DEFAULT '',     -- the pet's
    anyway           INTEGER NOT NULL DEFAULT 0,   -- try although no pet was recognised
    age              REAL NOT NULL DEFAULT 1.0,    -- multiple of the age vector; negative: older
    expected_text    TEXT NOT NULL DEFAULT '',     -- what the owner's next words are: '', 'breed' or 'name'
    status_message   INTEGER,                      -- the bot's question, then its progress
    latent           TEXT REFERENCES media (digest),
    network          TEXT NOT NULL DEFAULT '',
    failure          TEXT NOT NULL DEFAULT '',     -- a PhotoReason or the type of an error
    failed_photo     TEXT NOT NULL DEFAULT '',     -- 'photo' or 'baby_photo'
    created_at       REAL NOT NULL,
    changed_at       REAL NOT NULL,
    queued_at        REAL,
    started_at       REAL,
    done_at          REAL
) STRICT;

CREATE UNIQUE INDEX portraits_by_message ON portraits (chat, message) WHERE again_of IS NULL;
CREATE INDEX portraits_by_owner ON portraits (owner, id);
CREATE INDEX portraits_by_state ON portraits (state, queued_at);

-- What a portrait gives its owner: made by the engine (digest), asked for (wanted), sent (message, file_id).
CREATE TABLE results (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    portrait   INTEGER NOT NULL REFERENCES portraits (id) ON DELETE CASCADE,
    age        REAL NOT NULL,
    kind       TEXT NOT NULL,                      -- still, film, card, whole
    wanted     INTEGER NOT NULL DEFAULT 0,
    digest     TEXT REFERENCES media (digest),
    thumbnail  TEXT REFERENCES media (digest),     -- of a film
    width      INTEGER NOT NULL DEFAULT 0,
    height     INTEGER NOT NULL DEFAULT 0,
    duration_s REAL NOT NULL DEFAULT 0,
    message    INTEGER,
    file_id    TEXT,
    UNIQUE (portrait, age, kind)
) STRICT;

CREATE TABLE usage (
    subject INTEGER NOT NULL,                      -- a person or a group
    day     TEXT NOT NULL,                         -- UTC, 2026-11-23
    count   INTEGER NOT NULL,
    PRIMARY KEY (subject, day)
) STRICT, WITHOUT ROWID;

-- Updates taken from Telegram and not yet handled to the end.
CREATE TABLE updates (
    id       INTEGER PRIMARY KEY,
    body     TEXT NOT NULL,                        -- JSON
    attempts INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE switches (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX results_by_digest ON results (digest);
CREATE INDEX results_by_thumbnail ON results (thumbnail);
CREATE INDEX portraits_by_photo ON portraits (photo);
CREATE INDEX portraits_by_baby_photo ON portraits (baby_photo);
CREATE INDEX portraits_by_latent ON portraits (latent);
CREATE INDEX pets_by_baby_photo ON pets (baby_photo);

CREATE VIEW unused_media AS
SELECT digest FROM media AS m
WHERE NOT EXISTS (SELECT 1 FROM portraits WHERE photo = m.digest)
  AND NOT EXISTS (SELECT 1 FROM portraits WHERE baby_photo = m.digest)
  AND NOT EXISTS (SELECT 1 FROM portraits WHERE latent = m.digest)
  AND NOT EXISTS (SELECT 1 FROM pets WHERE baby_photo = m.digest)
  AND NOT EXISTS (SELECT 1 FROM results WHERE digest = m.digest)
  AND NOT EXISTS (SELECT 1 FROM results WHERE thumbnail = m.digest);
