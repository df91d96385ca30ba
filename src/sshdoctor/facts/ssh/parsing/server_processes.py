"""Which processes are SSH servers: asked once, for every fact that looks at them."""

from __future__ import annotations

from sshdoctor.services import find_servers
from sshdoctor.services.ssh.programs import SERVERS

ONCE = {
    "server_processes": f"""{find_servers()}
find_servers {" ".join(SERVERS)}
echo '## asked'
"""
}
"""What ``find_servers`` prints, and a part that is always there."""

KNOWN = """
[ -n "$server_processes" ] || exit 124
servers=''
while read -r pid exe; do case $exe in /*) servers="$servers $pid" ;; esac; done <<EOT
$server_processes
EOT
"""
"""Sets $servers: their numbers."""
