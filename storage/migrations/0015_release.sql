-- Which release of Throwback, with its weights, made the portrait; '' of earlier rows.

ALTER TABLE portraits ADD COLUMN release TEXT NOT NULL DEFAULT '';
