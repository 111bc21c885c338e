"""Event and stamp in, plain data out. Everything here is pure: no input or output, no clock, no state that a caller sees."""
