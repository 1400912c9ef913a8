"""A hash chain over the audit trail of announcements: a step that was changed or removed by SQL is noticed."""
