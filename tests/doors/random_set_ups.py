"""Random set-ups of real parts: lines of PAM with their control words, options of sshd, accounts."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

CONTROLS = (
    "required",
    "requisite",
    "sufficient",
    "optional",
    "[success=1 default=ignore]",
    "[success=2 default=ignore]",
    "[success=done default=die]",
    "[success=ok ignore=ignore default=bad]",
    "[success=done ignore=ignore default=bad]",
    "[success=1 new_authtok_reqd=ok ignore=2 default=die]",
    "[success=ok ignore=1 default=bad]",
    "[success=ok default=1]",
    "[default=ignore]",
    "[success=reset default=ignore]",
    "[success=1 default=bad]",
    "[auth_err=die default=ok]",
    "[sucess=ok default=bad]",
)
MODULES = (
    "pam_unix.so nodelay",
    "pam_unix.so nodelay nullok",
    "pam_unix.so nodelay use_first_pass",
    "pam_unix.so nodelay try_first_pass nullok",
    "pam_google_authenticator.so",
    "pam_google_authenticator.so",
    "pam_google_authenticator.so nullok",
    "pam_google_authenticator.so forward_pass",
    "pam_google_authenticator.so use_first_pass",
    "pam_google_authenticator.so try_first_pass nullok",
    "pam_google_authenticator.so no_strict_owner allowed_perm=0644",
    "pam_google_authenticator.so secret=/var/otp/${USER} user=root",
    "pam_google_authenticator.so unheard_of",
    "pam_permit.so",
    "pam_deny.so",
    "pam_succeed_if.so quiet user ingroup fast",
    "pam_succeed_if.so quiet uid >= 1000",
    "pam_succeed_if.so quiet user notin root:ops",
    "pam_listfile.so item=user sense=allow file=/etc/ssh/listed onerr=fail",
    "pam_listfile.so item=user sense=deny file=/etc/ssh/listed onerr=succeed",
    "pam_access.so accessfile=/etc/security/here.conf",
    "pam_access.so accessfile=/etc/security/there.conf",
    "pam_localuser.so",
    "pam_shells.so",
    "pam_nologin.so",
    "pam_env.so",
    "pam_rootok.so",
    "pam_wheel.so",
    "pam_securetty.so",
    "pam_usertype.so isregular",
    "pam_is_not_there.so",
)
METHODS = (
    "",
    "",
    "AuthenticationMethods publickey,keyboard-interactive",
    "AuthenticationMethods publickey,keyboard-interactive:pam",
    "AuthenticationMethods keyboard-interactive",
    "AuthenticationMethods publickey,password",
    "AuthenticationMethods publickey password,keyboard-interactive",
    "AuthenticationMethods any",
    "AuthenticationMethods publickey",
)
OPTIONS = (
    "PermitRootLogin yes",
    "PermitRootLogin no",
    "PermitRootLogin forced-commands-only",
    "PermitEmptyPasswords yes",
    "UsePAM no",
    "PubkeyAuthentication no",
    "StrictModes no",
    "AllowUsers deploy ops",
    "AllowUsers deploy@192.0.2.9 root",
    "DenyGroups fast",
    "AllowGroups fast root",
    "RevokedKeys /etc/ssh/not-there",
    "RevokedKeys /etc/ssh/none",
    "AuthorizedKeysFile /etc/ssh/keys/%u",
    "AuthorizedKeysCommand /usr/bin/cat /etc/ssh/keys/%u\nAuthorizedKeysCommandUser nobody",
    "Match User deploy\nAuthenticationMethods publickey",
    "Match Group fast\nAuthenticationMethods any\nPasswordAuthentication yes",
    "Match Address 192.0.2.0/24\nPasswordAuthentication yes",
    "Match User root\nPermitRootLogin yes\nAuthenticationMethods keyboard-interactive",
    "Match all\nPasswordAuthentication yes",
)
STATES = (
    "chmod 644 /home/deploy/.google_authenticator",
    "chown root /home/deploy/.google_authenticator",
    "rm -f /home/deploy/.google_authenticator",
    "rm -f /home/deploy/.google_authenticator",
    ": >/home/deploy/.google_authenticator",
    "passwd -q -l deploy",
    "passwd -q -d deploy",
    "usermod -p '*' deploy",
    "chage -E 1 deploy",
    "usermod -aG fast deploy",
    "usermod -aG fast deploy",
    "echo deploy >/etc/ssh/listed",
    "rm -f /home/deploy/.ssh/authorized_keys",
    "sed -i 's/^/from=\"192.0.2.9\" /' /home/deploy/.ssh/authorized_keys",
    "sed -i 's/^/from=\"*,!192.0.2.9\" /' /home/deploy/.ssh/authorized_keys",
    "sed -i 's/^/expiry-time=\"20200101\" /' /home/deploy/.ssh/authorized_keys",
    "sed -i 's/^/command=\"true\",no-pty /' /home/deploy/.ssh/authorized_keys /root/.ssh/authorized_keys",
    "chmod 666 /home/deploy/.ssh/authorized_keys",
    "chown root /home/deploy/.ssh; chmod 700 /home/deploy/.ssh",
    "touch /etc/nologin",
    "usermod -s /bin/sh deploy",
)
BEFORE = r"""
rm -rf /etc/nologin /etc/ssh/listed /etc/ssh/keys; mkdir -p /var/otp /etc/ssh/keys
: >/etc/ssh/none; cp /root/id.pub /etc/ssh/keys/deploy; chmod 644 /etc/ssh/keys/deploy
printf '+ : ALL : ALL\n' >/etc/security/here.conf; printf '%s\n' '- : ALL : ALL' >/etc/security/there.conf
for name in root deploy; do
  home=$(getent passwd $name | cut -d: -f6)
  for secret in $home/.google_authenticator:$name /var/otp/$name:root; do
    file=${secret%:*}; rm -f $file
    printf 'JBSWY3DPEHPK3PXPJBSWY3DPEH\n" TOTP_AUTH\n' >$file; chown ${secret#*:} $file; chmod 400 $file
  done
  rm -rf $home/.ssh; install -d -m 700 -o $name $home/.ssh
  install -m 600 -o $name /root/id.pub $home/.ssh/authorized_keys
done
usermod -G '' -s /bin/bash deploy; usermod -p "$HASH" deploy; chage -E -1 deploy
"""


@dataclass(frozen=True, slots=True)
class SetUp:
    """``stacks`` by name (sshd's auth lines, those of two files that it includes), options of sshd, and what
    is done to the accounts before."""

    stacks: dict[str, list[str]]
    options: list[str]
    states: list[str]

    @property
    def script(self) -> str:
        """What makes a host so: it fails where sshd does not take the options."""
        parts = [BEFORE]
        for name, lines in self.stacks.items():
            text = "\n".join(lines)
            parts.append(f"cat >/etc/pam.d/{name} <<'E'\n{text}\nE\n")
        text = "\n".join(self.options)
        parts.append(f"cat >/etc/ssh/sshd_config.d/10.conf <<'E'\n{text}\nE\n")
        parts += [f"{{ {one}; }} || :\n" for one in self.states]
        return "".join([*parts, "sshd -t || exit 7\nsystemctl reload ssh\n"])


def set_up(number: int) -> SetUp:
    """One of them; the same number gives the same."""
    random = Random(number)  # noqa: S311 - nothing is kept secret by it
    inner = {name: [_line(random, "auth") for _ in range(random.randint(1, 3))] for name in ("one", "two")}
    lines = [_line(random, "auth") for _ in range(random.randint(1, 4))]
    for name in inner:
        if random.random() < 0.25:
            word = random.choice([f"auth include {name}", f"auth substack {name}", f"@include {name}"])
            lines.insert(random.randint(0, len(lines)), word)
    if random.random() < 0.15:
        lines.append("@include common-auth")
    account = ["@include common-account"]
    if random.random() < 0.2:
        account.insert(random.randint(0, 1), _line(random, "account"))
    session = ["session required pam_permit.so", "session optional pam_unix.so"]
    options = [random.choice(METHODS), f"PasswordAuthentication {random.choice(['yes', 'no'])}"]
    options.append(f"KbdInteractiveAuthentication {random.choice(['yes', 'yes', 'yes', 'no'])}")
    options += sorted(
        random.sample(OPTIONS, random.choice([0, 0, 1, 1, 2])), key=lambda it: it.startswith("Match")
    )
    states = random.sample(STATES, random.choice([0, 0, 1, 1, 2]))
    return SetUp({**inner, "sshd": [*lines, *account, *session]}, options, states)


def _line(random: Random, phase: str) -> str:
    control = random.choice(CONTROLS[:4]) if random.random() < 0.5 else random.choice(CONTROLS)
    modules = MODULES if phase == "auth" else MODULES[13:-1]
    return f"{phase} {control} {random.choice(modules)}"
