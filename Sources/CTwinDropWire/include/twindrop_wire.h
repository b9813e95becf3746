// Frames between twindrop and twindrop-worker.
