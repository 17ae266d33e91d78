"""Who comes to the market."""
