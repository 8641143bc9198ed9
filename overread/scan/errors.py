"""What can go wrong in a scan beside what ``overread.errors`` names."""

from overread.errors import InputError, OverreadError


class NotScannableError(InputError):
    """The model, or a setting, does not fit a scan: the message says which and what does."""


class ScanCancelledError(OverreadError):
    """The caller's ``cancelled`` said yes; what is done is in the checkpoint, where there is one."""
