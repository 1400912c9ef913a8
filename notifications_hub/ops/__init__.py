"""Running a site: its server, the checks at start, the doctor, health, metrics and retention."""
