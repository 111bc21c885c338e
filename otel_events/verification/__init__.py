"""What ``otel-events verify`` does: it reads exported events back, and says what is missing, why, and what came twice."""
