"""The journal: the durable queue on disk between encode and export."""
