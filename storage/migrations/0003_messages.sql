-- Every message with a result of a portrait, however often it was sent and wherever: deleting the portrait takes them
-- all away. `results.message` is the last one in the portrait's own chat.

CREATE TABLE messages (
    portrait INTEGER NOT NULL REFERENCES portraits (id) ON DELETE CASCADE,
    chat     INTEGER NOT NULL,
    message  INTEGER NOT NULL,
    PRIMARY KEY (portrait, chat, message)
) STRICT, WITHOUT ROWID;

INSERT INTO messages SELECT DISTINCT p.id, p.chat, r.message
FROM results r JOIN portraits p ON p.id = r.portrait WHERE r.message > 0;
