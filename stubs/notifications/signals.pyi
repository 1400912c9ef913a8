from django.dispatch import Signal

notify: Signal
