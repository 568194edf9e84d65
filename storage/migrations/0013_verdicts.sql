-- What owners think of a portrait at one age: 'love', 'fine' or 'bad', and of a bad one why, '' when they did not say.

CREATE TABLE verdicts (
    portrait INTEGER NOT NULL REFERENCES portraits (id) ON DELETE CASCADE,
    age      REAL NOT NULL,
    verdict  TEXT NOT NULL,
    reason   TEXT NOT NULL DEFAULT '',             -- eyes, not_mine, not_young, blurry
    PRIMARY KEY (portrait, age)
) STRICT, WITHOUT ROWID;

-- How good the photo is by the engine's own measure, 'good', 'fair' or 'poor'; '' of earlier rows.
ALTER TABLE portraits ADD COLUMN photo_quality TEXT NOT NULL DEFAULT '';

-- Whether the owner was asked why the portrait is bad: once is enough.
ALTER TABLE portraits ADD COLUMN asked_why INTEGER NOT NULL DEFAULT 0;
