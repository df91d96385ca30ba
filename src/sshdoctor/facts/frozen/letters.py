"""The letters that wait, and who handed in those that the log tells of: counted by cause.

Sources: Postfix's postcat(1), pickup(8) and smtpd(8) (a letter from a program of the host is logged with its
uid, one from a login with sasl_username; the first Received line has "from userid"); Exim's specification
(the -H files: the ident of who handed it in, -auth_id; the main log's U=, A= and cwd=); Sendmail's Installation
and Operation Guide (the qf files: T, S, R, H, $_ and ${auth_authen}); php.ini (mail.add_x_header). Of a long queue every n-th letter is opened, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from sshdoctor.facts.parsing.bounded import GENTLE, count, rows
from sshdoctor.facts.parsing.output import evidence, unseen
from sshdoctor.facts.parsing.section import Section
from sshdoctor.facts.parsing.stamps import log_time
from sshdoctor.model import Evidence, Unknown

OPENED = 1500
"""So many letters are opened."""

COMMANDS = {
    "queue": GENTLE
    + r"""
clean() { tr '\001-\010\013-\037\177' ' ' | cut -c1-900; }
spread() {  # how many there are, then so many of them at most, evenly: of however long a queue few are kept in mind
  awk -v most="""
    + str(OPENED)
    + r""" 'BEGIN { step = 1 }
    (NR - 1) % step { next }
    { kept[++n] = $0
      if (n > most) { m = 0; for (i = 1; i <= n; i += 2) kept[++m] = kept[i]; n = m; step *= 2 } }
    END { print NR; for (i = 1; i <= n; i++) print kept[i] }'
}
counted() {  # the name of the server; the list comes in, and goes out without its count
  read -r many
  echo "P	$1	$many" >&3
  tr '\n' '\0'
}
exec 3>&1
if command -v postconf >/dev/null && [ -d /var/spool/postfix ]; then
  queue=$(postconf -h queue_directory 2>/dev/null) || queue=/var/spool/postfix
  find "$queue/maildrop" "$queue/incoming" "$queue/active" "$queue/deferred" "$queue/hold" -type f 2>/dev/null |
    spread | counted postfix | xargs -0 -r postcat -eh 2>/dev/null | awk '
    function flush() {
      if (id != "") print "Q\t" id "\t" at "\t" sender "\t" login "\t" client "\t" uid "\t" script "\t" list "\t" subject "\t" to
      at = sender = login = client = uid = script = list = subject = to = ""; got = 0
    }
    { gsub(/\t/, " ") }
    /^\*\*\* ENVELOPE RECORDS / { flush(); id = $4; sub(/.*\//, "", id); next }
    /^create_time:|^message_arrival_time:/ { at = substr($0, index($0, ":") + 2) }
    /^sender:/ { sender = $2 }
    /^recipient:/ { to = to == "" || to == $2 ? $2 : "many" }
    /^named_attribute: sasl_username=/ { login = substr($0, 32) }
    /^named_attribute: client_address=/ { client = substr($0, 33) }
    /^Received: / { got++ }
    got == 1 && /from userid / { uid = $0; sub(/.*from userid /, "", uid); sub(/[^0-9].*/, "", uid) }
    /^X-PHP-Originating-Script: / { if (script == "") script = substr($0, 27) }
    /^X-PHP-Script: / { if (script == "") script = substr($0, 15) }
    /^(List-Id|List-Post|Mailing-List): / { if (list == "") list = $0 }
    /^Subject: / { if (subject == "") subject = substr($0, 10, 80) }
    END { flush() }' | clean
fi
for spool in /var/spool/exim4 /var/spool/exim; do
  [ -d "$spool/input" ] || continue
  find "$spool/input" -type f -name '*-H' 2>/dev/null | spread | counted exim | xargs -0 -r awk '
    function flush() {
      if (!proved) login = ""  # of a letter of this host it is the user again
      if (id != "") print "Q\t" id "\t" at "\t" sender "\t" login "\t" client "\t" uid "\t" script "\t" list "\t" subject "\t" to
      proved = at = sender = login = client = uid = script = list = subject = to = ""; ends = 0
    }
    /^-host_auth / { proved = 1 }
    FNR == 1 { flush(); id = FILENAME; sub(/.*\//, "", id); sub(/-H$/, "", id) }
    { gsub(/\t/, " ") }
    FNR == 2 { uid = $2 }
    FNR == 3 { sender = $0; gsub(/[<>]/, "", sender) }
    FNR == 4 { at = $1 }
    $0 == "XX" { ends = FNR }
    ends && FNR == ends + 2 { to = $1 }
    ends && FNR == ends + 3 && NF == 1 { to = "many" }
    /^-auth_id / { login = substr($0, 10) }
    /^-host_address / { client = substr($0, 15); sub(/[.][0-9]+$/, "", client); sub(/^\[/, "", client) }
    /^[0-9]+. X-PHP-Originating-Script: / { if (script == "") { script = $0; sub(/.*-Script: /, "", script) } }
    /^[0-9]+. (List-Id|List-Post|Mailing-List): / { if (list == "") list = $0 }
    /^[0-9]+. Subject: / { if (subject == "") { subject = $0; sub(/.*Subject: /, "", subject) } }
    END { flush() }' 2>/dev/null | clean
done
for spool in /var/spool/mqueue /var/spool/mqueue-client; do
  [ -n "$(find "$spool" -type f -name 'qf*' 2>/dev/null | head -n 1)" ] || continue
  find "$spool" -type f -name 'qf*' 2>/dev/null | spread | counted sendmail | xargs -0 -r awk '
    function flush() {
      if (id != "") print "Q\t" id "\t" at "\t" sender "\t" login "\t" client "\t" user "\t" script "\t" list "\t" subject "\t" to
      at = sender = login = client = user = script = list = subject = to = ""
    }
    FNR == 1 { flush(); id = FILENAME; sub(/.*\/qf/, "", id) }
    { gsub(/\t/, " ") }
    /^T[0-9]+$/ { at = substr($0, 2) }
    /^S/ { sender = substr($0, 2); gsub(/[<>]/, "", sender) }
    /^R[^:]*:/ { name = $0; sub(/^R[^:]*:/, "", name); gsub(/[<>]/, "", name); to = to == "" || to == name ? name : "many" }
    /^\$[{]auth_authen[}]/ { login = substr($0, 15) }
    /^\$_/ && match($0, /\[[0-9a-fA-F.:]+\]/) { client = substr($0, RSTART + 1, RLENGTH - 2) }
    user == "" && match($0, /\(from [^@ )]+@localhost\)/) { user = substr($0, RSTART + 6, RLENGTH - 17) }
    /^H\?[^?]*\?X-PHP-Originating-Script: / { if (script == "") { script = $0; sub(/^[^:]*: /, "", script) } }
    /^H\?[^?]*\?(List-Id|List-Post|Mailing-List): / { if (list == "") { list = $0; sub(/^H\?[^?]*\?/, "", list) } }
    /^H\?[^?]*\?Subject: / { if (subject == "") { subject = $0; sub(/^[^:]*: /, "", subject) } }
    END { flush() }' 2>/dev/null | clean
done
true
""",
    "log": GENTLE
    + r"""
echo "Z	$(date +%s)	$(date +%z)"
of_postfix() {  # the name of the log; its lines come in
  awk -v file="$1" '
    { stamp = $1 ~ /^[0-9][0-9][0-9][0-9]-/ ? $1 : substr($0, 1, 15) }
    /postfix\/pickup\[[0-9]+\]: / && match($0, / uid=[0-9]+ /) {
      n++; print "U\t" file "\t" stamp "\t" substr($0, RSTART + 5, RLENGTH - 6) }
    /postfix\/postsuper\[[0-9]+\]: Deleted: / { print "R\t" substr($0, 1, 300) }
    /sasl_username=/ && match($0, /client=[^,]*/) {
      client = substr($0, RSTART, RLENGTH); user = $0; sub(/.*sasl_username=/, "", user); sub(/[, ].*/, "", user)
      key = client "\t" user; if (!(key in n2)) first[key] = $0; n2[key]++; last[key] = stamp; when[key] = when[key] ? when[key] : stamp }
    END { for (key in n2) print "S\t" file "\t" when[key] "\t" last[key] "\t" key "\t" n2[key] "\t" substr(first[key], 1, 400) }' |
    tail -n 20000
}
found=
for file in /var/log/mail.log.1 /var/log/mail.log /var/log/maillog.1 /var/log/maillog; do
  [ -f "$file" ] && [ ! -h "$file" ] || continue
  found=1
  tail -c 20000000 "$file" | of_postfix "$file"
done
if [ -z "$found" ] && command -v journalctl >/dev/null; then
  folder=$(postconf -h daemon_directory 2>/dev/null) || folder=/usr/lib/postfix/sbin
  journalctl -q -o short-iso -n 100000 _EXE="$folder/pickup" + _EXE="$folder/smtpd" 2>/dev/null |
    of_postfix journal
fi
for file in /var/log/exim4/mainlog.1 /var/log/exim4/mainlog /var/log/exim/main.log /var/log/exim_mainlog; do
  [ -f "$file" ] && [ ! -h "$file" ] || continue
  tail -c 20000000 "$file" | awk -v file="$file" '
    { stamp = substr($0, 1, 19) }
    / cwd=/ && / args: / && !/ cwd=\/var\/spool\/exim/ {
      at = $0; sub(/.* cwd=/, "", at); sub(/ [0-9]+ args: .*/, "", at); print "W\t" file "\t" stamp "\t" at }
    / <= / && match($0, / A=[^ ]+/) {
      user = substr($0, RSTART + 3, RLENGTH - 3); sub(/^[^:]*:/, "", user); client = ""
      if (match($0, /\[[0-9a-fA-F.:]+\]/)) client = "client=" substr($0, RSTART, RLENGTH)
      key = client "\t" user; if (!(key in n2)) first[key] = $0; n2[key]++; last[key] = stamp; when[key] = when[key] ? when[key] : stamp }
    / <= / && match($0, / U=[^ ]+/) { print "V\t" file "\t" stamp "\t" substr($0, RSTART + 3, RLENGTH - 3) }
    END { for (key in n2) print "S\t" file "\t" when[key] "\t" last[key] "\t" key "\t" n2[key] "\t" substr(first[key], 1, 400) }' |
    tail -n 20000
done
true
""",
}


class Letter(Struct, frozen=True, kw_only=True):
    """One that waits, or that the log tells of; "" is what is not told. ``at`` in seconds since 1970.

    ``script`` is the text of PHP's header, which names a file without its folder; ``folder`` where the
    program stood that handed it in (Exim). ``queued``: it waits in the queue.
    """

    at: float
    uid: int | None = None
    user: str = ""
    login: str = ""
    client: str = ""
    script: str = ""
    folder: str = ""
    listed: str = ""
    sender: str = ""
    to: str = ""
    """Who gets it, "many" for several."""
    subject: str = ""
    queued: bool = False
    ident: str = ""
    """Its name in the queue."""


class MailLogin(Struct, frozen=True, kw_only=True):
    """Letters that one login handed in from one address, as one log tells it; ``line`` is the first."""

    log: str
    login: str
    client: str
    count: int
    first: float
    last: float
    line: str


class Letters(Struct, frozen=True, kw_only=True):
    """``waiting`` are the letters of the queue that were opened, of ``queued``; ``logged`` those of programs
    of this host in the log, with the time alone."""

    server: str
    queued: int
    waiting: tuple[Letter, ...]
    logged: tuple[Letter, ...]
    logins: tuple[MailLogin, ...]
    removed: tuple[str, ...]
    """Lines of the log by which somebody emptied the queue."""
    evidence: tuple[Evidence, ...]


VALUE = Letters
WRITERS = {"": "root", "waiting": "anyone", "logged": "anyone", "logins": "anyone"}


def parse(sections: Mapping[str, Section]) -> Letters | Unknown:
    for section in sections.values():
        if (cut := unseen(section)) is not None:
            return cut
    queue, log = sections["queue"].output, sections["log"].output
    now, zone = next(((float(count(r[1])), r[2]) for r in rows(log, 3) if r[0] == "Z"), (0.0, "+0000"))
    kept = [(row[1], count(row[2])) for row in rows(queue, 3) if row[0] == "P"]
    waiting = tuple(_waiting(queue, now, zone))
    return Letters(
        server=" and ".join(name for name, _ in kept),
        queued=sum(many for _, many in kept),
        waiting=waiting,
        logged=tuple(_logged(log, now, zone)),
        logins=tuple(_logins(log, now, zone)),
        removed=tuple(row[1] for row in rows(log, 2) if row[0] == "R"),
        evidence=evidence("mailq", [f"{many} letters of {name}" for name, many in kept]),
    )


def _waiting(text: str, now: float, zone: str) -> Iterator[Letter]:
    for row in (*rows(text, 10), *rows(text, 11)):
        _, ident, at, sender, login, client, uid, script, listed, subject = row[:10]
        yield Letter(
            ident=ident,
            at=float(count(at)) if at.isdigit() else _postcat_time(at, now, zone),
            uid=int(uid) if uid.isdigit() else None,
            user="" if uid.isdigit() else uid,
            login=login,
            client=client,
            script=script,
            listed=listed,
            sender=sender,
            subject=subject,
            to="".join(row[10:]),
            queued=True,
        )


def _postcat_time(text: str, now: float, zone: str) -> float:
    """postcat's "Fri Nov 27 15:54:08 2026".

    >>> _postcat_time("Fri Nov 27 15:54:08 2026", 1795794900.0, "+0000")
    1795794848.0
    """
    return log_time(f"{text[4:19]} ", now, zone) or 0.0


def _logged(text: str, now: float, zone: str) -> Iterator[Letter]:
    for kind, _, stamp, word in rows(text, 4):
        at = log_time(f"{stamp} ", now, zone)
        if at is None:
            continue
        if kind == "U" and word.isdigit():
            yield Letter(at=at, uid=int(word))
        elif kind == "V":
            yield Letter(at=at, user=word)
        elif kind == "W":
            yield Letter(at=at, folder=word)


def _logins(text: str, now: float, zone: str) -> Iterator[MailLogin]:
    for kind, log, first, last, client, login, many, line in rows(text, 8):
        if kind == "S":
            yield MailLogin(
                log=log,
                login=login,
                client=client.rpartition("[")[2].rstrip("]"),
                count=count(many),
                first=log_time(f"{first} ", now, zone) or 0.0,
                last=log_time(f"{last} ", now, zone) or 0.0,
                line=line,
            )
