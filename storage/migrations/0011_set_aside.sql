-- Updates that could not be handled: which, of what kind, and the type of the error; nothing of what was in them.

CREATE TABLE set_aside (
    id    INTEGER PRIMARY KEY,  -- Telegram's; 0 for all that had none
    kind  TEXT NOT NULL,        -- 'message', 'callback_query', …; 'unknown'
    error TEXT NOT NULL,        -- the type of the error
    at    REAL NOT NULL
) STRICT;
