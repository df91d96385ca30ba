"""What a client gets: resolve the name, knock on every address, wait for the greeting."""

from sshdoctor.outside.dial import DialResult, dial

__all__ = ["DialResult", "dial"]
