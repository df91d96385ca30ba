"""What the extraction reads out of C sources, on small ones."""

from pathlib import Path

from reasons.messages import Message
from reasons.states import State, states
from reasons.system_messages import extract

UNIT = """
static int unit_start(Unit *u) {
        if (u->limit)
                return log_unit_error_errno(u, r, "Limit of %s reached: %m",
                                            u->id);
        log_unit_debug(u, "Not seen");
        log_unit_full(u, u->quiet ? LOG_DEBUG : LOG_INFO, "Not seen either");
        log_unit_struct(u, LOG_ERR, "MESSAGE_ID=" ID, LOG_UNIT_MESSAGE(u, "Failed at step %s.", step));
        log_syntax(unit, LOG_WARNING, filename, line, 0, "Bad value %" PRIu64 ", ignoring: %s", n, rvalue);
        return sd_bus_error_setf(e, BUS_ERROR_UNIT_MASKED, "Unit %s is masked.", u->id);
}
"""
JOB = """
static const char* const generic_finished_start_job[_MAX] = {
        [JOB_DEPENDENCY] = "Dependency failed for %s.",
};
static const char *format(void) {
        return "Finished %s.";
}
"""
PAM = """
int pam_sm_acct_mgmt(pam_handle_t *pamh) {
        pam_syslog(pamh, LOG_DEBUG, "user %s rejected", user);
        pam_error(pamh, _("Your account has expired."));
}
"""
CLIENT = """
static void
try_key(struct ssh *ssh, const char *path)
{
	error_fr(r, "load %s", path);
	debug("%s: Offering %s", __func__, path);
	fprintf(stderr, "usage\\n");
	fprintf(out, "not for the user\\n");
}
"""


def extracted(folder: Path, program: str, path: str, text: str) -> list[Message]:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return list(extract(program, folder))


def test_of_systemd_what_is_logged_above_debug_with_the_unit_before_it(tmp_path: Path) -> None:
    assert extracted(tmp_path, "systemd", "src/core/unit.c", UNIT) == [
        Message("unit.c unit_start", "error", "%s: Limit of %s reached: %{errno}"),
        Message("unit.c unit_start", "notice", "%s: Failed at step %s."),
        Message("unit.c unit_start", "warning", "%s:%d: Bad value %d, ignoring: %s"),
        Message("unit.c unit_start", "error", "Unit %s is masked."),
    ]


def test_of_systemd_formats_in_tables_and_given_back(tmp_path: Path) -> None:
    found = extracted(tmp_path, "systemd", "src/core/job.c", JOB)
    assert [message.text for message in found] == ["Dependency failed for %s.", "Finished %s."]


def test_of_a_pam_module_also_what_it_tells_the_user(tmp_path: Path) -> None:
    found = extracted(tmp_path, "linux-pam", "modules/pam_time/pam_time.c", PAM)
    assert [message.text for message in found] == [
        "pam_time(%s:%s): user %s rejected",
        "Your account has expired.",
    ]


def test_of_the_client_with_the_function_and_the_reason(tmp_path: Path) -> None:
    found = extracted(tmp_path, "openssh-client", "ssh.c", CLIENT)
    assert [message.text for message in found] == [
        "try_key: load %s: %{why}",
        "debug1: try_key: Offering %s",
        "usage",
    ]


def test_the_tables_of_states_and_the_numbers_of_exit_statuses(tmp_path: Path) -> None:
    for folder in ("basic", "core", "shared"):
        (tmp_path / "src" / folder).mkdir(parents=True)
    table = 'static const char* const unit_load_state_table[_MAX] = {\n\t[A] = "masked",\n};\n'
    (tmp_path / "src/basic/unit-def.c").write_text(table)
    names = '[EXIT_CHDIR] = { "CHDIR", EXIT_STATUS_SYSTEMD },\n[EXIT_EXEC] = { "EXEC", EXIT_STATUS_SYSTEMD },'
    (tmp_path / "src/shared/exit-status.c").write_text(names)
    codes = "enum {\n\tEXIT_CHDIR = 200,\n\tEXIT_NICE,\n\t_EXIT_RESERVED,\n\tEXIT_EXEC,\n};"
    (tmp_path / "src/shared/exit-status.h").write_text(codes)
    assert list(states("systemd", tmp_path)) == [
        State("LoadState", "masked"),
        State("ExecMainStatus", "200/CHDIR"),
        State("ExecMainStatus", "203/EXEC"),
    ]
