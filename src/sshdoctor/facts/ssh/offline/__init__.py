"""What the facts about its SSH server read on a disk whose system does not run."""
