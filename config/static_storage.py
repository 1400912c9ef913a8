"""The storage of static files in production: compressed, and under names that change with their content."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured
from servestatic.storage import CompressedManifestStaticFilesStorage


class HashedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Static files as `collectstatic` leaves them. Browsers keep them for ever, also the modules that import others."""

    support_js_module_import_aggregation = True

    def stored_name(self, name: str) -> str:
        if not self.hashed_files:
            raise ImproperlyConfigured("The static files are not collected. Run: manage.py collectstatic --noinput")
        stored: str = super().stored_name(name)
        return stored
