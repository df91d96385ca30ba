"""Variables set on the way; the compiler does all of it, so that they must be known beforehand.

Source: Ansible's documentation of ansible.builtin.set_fact.
"""

from __future__ import annotations

COLLECTION = "ansible.builtin"
