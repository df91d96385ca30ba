"""What a client gets: resolve the name, knock on every address, wait for the greeting."""

from sshdoctor.outside.dial import Dialled, dial

__all__ = ["Dialled", "dial"]
