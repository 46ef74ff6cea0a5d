"""Everything of Lockgate that finds: personal data, secrets, tags and hazards in text; it knows neither HTTP nor policy."""
