// Grows with its first part.
