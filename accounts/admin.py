from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.utils.translation import gettext_lazy as _

from accounts.models import User

if TYPE_CHECKING:
    BaseAdmin = UserAdmin[User]
else:
    BaseAdmin = UserAdmin


@admin.register(User)
class PersonAdmin(BaseAdmin):
    fieldsets = (*(UserAdmin.fieldsets or ()), (_("Language and time"), {"fields": ("language", "time_zone")}))
    list_display = ("username", "email", "first_name", "last_name", "is_staff", "language", "time_zone")
    # The site writes both times.
    readonly_fields = ("last_login", "date_joined")
    list_filter = ("is_staff", "is_superuser", "is_active", "groups", "language")
