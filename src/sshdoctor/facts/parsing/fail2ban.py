"""Where fail2ban's server listens (fail2ban.conf(5): fail2ban.d and *.local are read after fail2ban.conf)."""

SOCKET = r"""
socket=$(cd /etc/fail2ban 2>/dev/null &&
  sed -n 's/^socket[[:space:]]*[=:][[:space:]]*//p' fail2ban.conf fail2ban.d/*.conf fail2ban.local \
    fail2ban.d/*.local 2>/dev/null | tail -n 1)
[ -S "$socket" ] || socket=/run/fail2ban/fail2ban.sock
"""
"""Sets ``socket`` to it."""
