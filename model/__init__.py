"""The network and its measurements: arrays in, arrays out; no files, clocks or prints."""
