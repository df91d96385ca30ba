"""What the cases do not reach: logs of FTP, sessions, libraries before one program, what wakes a unit."""

from __future__ import annotations

from datetime import date

from msgspec.structs import replace

from examination.record import recorded
from examination.table import examined
from sshdoctor.commands.shared.cleaning import Done, letter_of
from sshdoctor.examination import FACTS, examine
from sshdoctor.examination.findings import Examination
from sshdoctor.examination.notice import Notice
from sshdoctor.facts import parse_all
from sshdoctor.facts.frozen.mechanisms import HostFile
from sshdoctor.facts.parsing.section import Section
from sshdoctor.remedy.cleanup import Cleanup

_CLOCK = "Z\t1795800000\t+0000"
_FILE = HostFile(
    path="",
    kind="file",
    uid=0,
    mode=0o644,
    modified=1,
    changed=1,
    size=9,
    target="",
    owned=None,
    immutable=False,
)


def with_files(name: str, *files: HostFile) -> Examination:
    facts = parse_all(FACTS, recorded()[name])
    mechanisms = facts["mechanisms"]
    more = {one.path: one for one in files}
    return examine({**facts, "mechanisms": replace(mechanisms, files={**mechanisms.files, **more})})


def test_an_upload_by_ftp_is_the_way_in() -> None:
    page = next(
        line.file for line in examined("mail-upload-script").persistence if line.file.endswith(".php")
    )
    line = f"Fri Nov 27 15:54:08 2026 1 203.0.113.8 120 {page} b _ i r shop ftp 0 * c"
    own = f'Fri Nov 27 15:54:08 2026 [pid 3] [shop] OK UPLOAD: Client "203.0.113.9", "{page[10:]}", 9 bytes'
    for said, log in ((line, "/var/log/xferlog"), (own, "/var/log/vsftpd.log")):
        sections = {
            **recorded()["mail-upload-script"],
            "entries.lines": Section(f"{_CLOCK}\n@\t{log}\n|{said}", 0),
        }
        found = examine(parse_all(FACTS, sections))
        assert found.entry is not None
        assert (found.entry.log, found.entry.first_use) == (log, False)


def test_a_download_by_ftp_is_none() -> None:
    line = "Fri Nov 27 15:54:08 2026 1 203.0.113.8 120 /home/shop/x.php b _ o r shop ftp 0 * c"
    section = Section(f"{_CLOCK}\n@\t/var/log/xferlog\n|{line}", 0)
    assert parse_all(["entries"], {"entries.lines": section})["entries"].entries == ()


def test_a_library_before_one_program_is_said_where_nobody_puts_one() -> None:
    unit = replace(_FILE, path="/etc/systemd/system/nginx.service.d/a.conf")
    for library, guilty in (("/usr/lib/libx.so", True), ("/usr/local/lib/libx.so", False)):
        line = f"Environment=LD_PRELOAD={library}"
        found = with_files("ok-tmux", replace(unit, text=("[Service]", line)), replace(_FILE, path=library))
        assert [one.text for one in found.persistence] == ([line] if guilty else [])


def test_what_wakes_a_service_is_taken_away_with_it() -> None:
    path = replace(
        _FILE,
        path="/etc/systemd/system/network-monitor.path",
        text=("[Path]", "PathModified=/var/log", "[Install]"),
    )
    found = with_files("unit-watchdog", path)
    assert "unit:network-monitor.path" in [step.what for step in found.stop]


def test_what_a_package_brought_names_nobody_elses_program() -> None:
    """A daemon's own start script has the daemon's name in it, which an intruder's program may have too."""
    found = examined("cron-base64")
    assert {line.file for line in found.persistence} == {"/var/spool/cron/crontabs/shop"}


def test_a_notice_is_answered_by_the_letter_about_what_was_done() -> None:
    found = examined("unit-watchdog")
    done = Done(host="web1", found=found, cleaned=Cleanup(outcome="proved"))
    text = letter_of(done, "en", Notice(("4711",), (date(2026, 11, 6),)))
    assert "answer to your notice (4711)" in text and "What we have done" in text


def test_bounces_are_the_mail_servers_own() -> None:
    rows = [
        f"Q\tA{n}\tFri Nov 27 15:54:08 2026\t\t\t\t\t\t\tUndelivered\tx{n}@example.net" for n in range(30)
    ]
    queue = "\n".join(["P\tpostfix\t30", *rows])
    found = examine(parse_all(FACTS, {**recorded()["ok-tmux"], "letters.queue": Section(queue, 0)}))
    assert found.mail is not None
    (heap,) = found.mail.heaps
    assert (found.kind, heap.name, heap.open) == ("well", "the mail server itself", False)
