"""The accounts that can have a shell or a command, listed in the same way by each fact that needs them."""

from __future__ import annotations

MOST = 200
"""So many accounts are looked at."""

LISTING = f"""
# Of each account a line of passwd(5): those with a shell, and those without that have a password or keys.
listing() {{
  {{ getent passwd 2>/dev/null || cat /etc/passwd; }} |
  while IFS=: read -r name secret uid gid _ home shell; do
    case $name in ''|*[!A-Za-z0-9_.@+-]*) continue ;; esac
    case $shell in
      */sync|*/shutdown|*/halt) continue ;;
      */nologin|*/false|*/true)
        hash=$(getent shadow -- "$name" 2>/dev/null | cut -d: -f2)
        case $hash in ''|'!'*|'*'*) [ -e "$home/.ssh/authorized_keys" ] || continue ;; esac ;;
    esac
    printf '%s\\n' "$name:$secret:$uid:$gid::$home:$shell"
  done | head -n {MOST}
}}
"""


LEFT_OUT = """
# Of each account with a shell that is left out of the listing for the signs in its name: that name.
left_out() {
  { getent passwd 2>/dev/null || cat /etc/passwd; } |
  while IFS=: read -r name _ _ _ _ _ shell; do
    case $shell in */nologin|*/false|*/true|*/sync|*/shutdown|*/halt) continue ;; esac
    case $name in ''|[+-]) ;; *[!A-Za-z0-9_.@+-]*) printf '|%s\\n' "$name" ;; esac
  done | head -n 20
}
"""


def unbarred(text: str) -> str:
    """The lines behind the bars that keep them from being taken for headings."""
    return "\n".join(line[1:] for line in text.splitlines() if line.startswith("|"))
