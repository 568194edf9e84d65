-- Nothing is kept of a portrait that was cancelled but that it was there, so that its message begins no other.

UPDATE portraits SET file_id = '', photo = NULL, baby_file_id = NULL, baby_photo = NULL, recognition = NULL,
    latent = NULL, breed = NULL, name = '', pet = NULL
WHERE state = 'cancelled' AND told = 'cancelled';
