from notifications.signals import notify as notify
