"""How much a caller may ask for at once, and what happens to the rest."""
