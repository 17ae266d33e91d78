"""Where markets are and how they are laid out: provinces, communes and wards (today's, and those of before July 2025),
market days, sections and stalls."""
