-- What is still to be said about a portrait beside its one message: a row goes when it is said.

CREATE TABLE notices (
    portrait INTEGER NOT NULL REFERENCES portraits (id) ON DELETE CASCADE,
    kind     TEXT NOT NULL,                        -- unsure, refused, sorry, only_face
    age      REAL NOT NULL,                        -- of the results that it is about
    PRIMARY KEY (portrait, kind, age)
) STRICT, WITHOUT ROWID;
