"""How young and how old a pet can be shown, in multiples of the age vector: 0 is the photo, 1 a puppy or kitten."""

OLDEST_AGE = -1.0  # the buttons end here: the pet grown up, or old
YOUNGEST_AGE = 1.6  # the buttons end here: as young as a face still looks like one
AGE_STEP = 0.3  # between two ages that the buttons offer
