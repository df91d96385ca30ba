"""The doors of every account: what gets in at each, worked out from what the host says.

PAM's stacks and sshd's methods are run as Linux-PAM and OpenSSH run them, over everything that a person with
some of the factors could type. What cannot be decided is ``Undecided``, never a guess.
"""
