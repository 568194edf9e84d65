-- When an update was handled to the end: for a day its id stays, without its body, because a webhook whose answer was
-- lost is called again.

ALTER TABLE updates ADD COLUMN handled_at REAL;
