import subprocess,sys,os
from pathlib import Path
from doors.real_host import door_host
from doors.test_set_ups import CASES
EXTRA={
"two-right":"",
"cert-principals-file":"printf 'Match Address 10.0.0.0/8\\n  PasswordAuthentication yes\\n' >>/etc/ssh/sshd_config.d/10-two.conf; touch /etc/ssh/revoked; sed -i '1i RevokedKeys /etc/ssh/revoked' /etc/ssh/sshd_config.d/10-two.conf; systemctl restart ssh; passwd -l ops >/dev/null",
}
def test_rec(testbed,tmp_path):
    for name,extra in EXTRA.items():
        case=dict(next(c for c in CASES if c["name"]==name)); case["setup"]+="\n"+extra
        d=tmp_path/name; d.mkdir()
        with door_host(testbed,d,case) as h:
            subprocess.run([sys.executable,"tests/facts/record.py",name,"door_accounts","door_servers","door_guards","--client","198.51.100.1","--address","198.51.100.2","--user","deploy","--expect","{}","--","podman","exec","-i",h.host.container,"sh","-s"],check=True)
