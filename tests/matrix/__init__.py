"""The matrix of failures: what becomes of events under each delivery when something goes wrong."""
