#!/bin/sh
# Builds images of throw-away hosts from Debian's own packages: image.sh NAME...
#
#   debian12 debian13 debian11   systemd, sshd, every firewall tool
#   noinit                       Debian 12 with no init and no iproute2; sshd is started by hand
#   firewalls                    debian12 with ufw, firewalld, fail2ban, sshguard, ferm and Shorewall, none of
#                                them started, and archives of iptables-persistent and CrowdSec
#   rpm                          noinit with dnf, zypper and pacman, what makes packages for them, and OpenRC
#   guarded12 guarded13          Debian with what bans who guesses passwords (fail2ban, sshguard, CrowdSec with its
#                                bouncer), every firewall, nginx, haproxy and rsyslog, none of them started; an
#                                archive has fail2ban
#   banned11                     debian11 with fail2ban, not started
#   factors factors11 factors13  Debian 12, 11, 13 with a PAM module that asks for a code
#   metrics                      debian12 with Prometheus, its Alertmanager and its blackbox_exporter, none started
#   web                          debian12 with nginx, Apache, PHP-FPM, ModSecurity, mod_evasive, mod_qos and
#                                fail2ban, none of them started
#   frozen frozen-exim           debian12 with what starts programs, serves sites and sends mail, none of it
#                                started: cron, at, supervisor, nginx, Apache, PHP-FPM, mlmmj, Postfix or Exim
#   bench                        debian12 with the whole of Python, which Ansible needs
#   client12 client13            Debian 12 and 13 with Python, pip and pipx, as a person has them; sshd by hand
#   twins twins-noinit           firewalls and noinit, with all that Ansible's own modules need as well
#
# An image is tagged with a sum over all that it is made of: one that is there is left alone, and checkouts
# with other recipes have theirs beside it. Prints the name and tag of each image, one a line, then the
# containers.conf that the engine needs on this machine (for the variable CONTAINERS_CONF), if it needs one.
# Each image holds, for apt, an archive of a few packages in /srv/packages: its hosts reach no mirror.
set -eu

repository=localhost/sshdoctor
configuration=${XDG_CACHE_HOME:-$HOME/.cache}/sshdoctor/containers.conf
common=openssh-server,iptables,nftables,net-tools,procps,sudo
always_archived='openssh-server dropbear-bin libtomcrypt1 libtommath1'

customize='
set -e
chroot "$1" sh -ec "
  for unit in firewalld fail2ban sshguard ferm shorewall; do
    [ ! -e /lib/systemd/system/\$unit.service ] || systemctl --quiet disable \$unit 2>/dev/null
  done
  useradd --create-home --shell /bin/bash deploy
  echo \"deploy ALL=(ALL) NOPASSWD: ALL\" >/etc/sudoers.d/deploy
  mkdir -p /srv/packages && cd /srv/packages && apt-get -qq -o APT::Sandbox::User=root download $archived
  for deb in *.deb; do
    dpkg-deb --field \$deb
    echo \"Filename: ./\$deb\"
    echo \"Size: \$(stat -c %s \$deb)\"
    echo \"SHA256: \$(sha256sum \$deb | cut -c1-64)\"
    echo
  done >Packages
  rm -rf /etc/apt/sources.list* /var/lib/apt/lists/* /var/cache/apt/*.bin
  echo \"deb [trusted=yes] file:/srv/packages ./\" >/etc/apt/sources.list
  apt-get -qq update >/dev/null
"'

strap='mmdebstrap --quiet --skip=cleanup/apt/lists --variant=minbase --dpkgopt=force-unsafe-io'
# mmdebstrap's own filter for this is a program in Python for each package.
undocumented='for path in man locale doc; do
  echo "path-exclude=/usr/share/$path/*" >>"$1/etc/dpkg/dpkg.cfg.d/undocumented"
  rm -rf "$1/usr/share/$path"/*
done'

# What image $1 is made of: $suite, $include, $archived, $command and $reference.
describe() {
  after='' before=''
  add=,systemd,systemd-sysv,iproute2 archived=$always_archived
  # The two words after /sbin/init are for a new systemd on a machine with version-1 cgroups.
  command='["/sbin/init", "systemd.unified_cgroup_hierarchy=0", "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"]'
  by_hand='["/bin/sh", "-c", "mkdir -p /run/sshd; /usr/sbin/sshd; while :; do sleep 60 & wait; done"]'
  case $1 in
    debian11) suite=bullseye ;;
    banned11) suite=bullseye add="$add,fail2ban,python3-systemd" archived="$archived fail2ban" ;;
    debian12) suite=bookworm ;;
    bench) suite=bookworm add="$add,python3" ;;
    client12 | client13)
      suite=bookworm add=,python3,python3-venv,python3-pip,pipx,iproute2 command=$by_hand
      [ "$1" = client12 ] || suite=trixie ;;
    rpm) suite=bookworm add=,dnf,rpm,createrepo-c,zypper,pacman-package-manager,openrc command=$by_hand ;;
    firewalls | twins)
      suite=bookworm add="$add,ufw,firewalld,fail2ban,python3-systemd,ipset,conntrack,sshguard,ferm,shorewall"
      archived="$archived iptables-persistent netfilter-persistent crowdsec crowdsec-firewall-bouncer" ;;
    web)
      suite=bookworm add="$add,nginx,apache2,apache2-utils,php-fpm,libapache2-mod-security2,modsecurity-crs"
      add="$add,libapache2-mod-evasive,libapache2-mod-qos,libapache2-mod-fcgid,fail2ban,python3,curl,openssl"
      after='; chroot "$1" systemctl --quiet disable nginx apache2 php8.2-fpm fail2ban' ;;
    guarded12 | guarded13)
      suite=bookworm add="$add,ufw,firewalld,fail2ban,python3-systemd,ipset,conntrack,nginx-light,rsyslog,haproxy"
      [ $1 = guarded12 ] || suite=trixie
      add="$add,sshguard,crowdsec,crowdsec-firewall-bouncer,curl" archived="$archived fail2ban"
      # Else the package registers with its makers, and fails where they cannot be reached.
      before='mkdir -p "$1/etc/crowdsec"; echo "# none" >"$1/etc/crowdsec/online_api_credentials.yaml"'
      after='; chroot "$1" systemctl --quiet disable nginx rsyslog haproxy crowdsec crowdsec-firewall-bouncer' ;;
    frozen | frozen-exim)
      suite=bookworm add="$add,dbus,libpam-systemd,cron,at,supervisor,rsyslog,plocate,nginx,apache2,php-fpm,php-cli"
      add="$add,perl,curl,python3,sshpass,tmux,rsync,ksmtuned,libjemalloc2,e2fsprogs,mlmmj"
      case $1 in
        frozen) add="$add,postfix,libsasl2-modules,sasl2-bin" ;;
        *) add="$add,exim4-daemon-light" ;;
      esac
      units='nginx apache2 php8.2-fpm ssh cron atd supervisor rsyslog ksmtuned postfix exim4'
      after='; chroot "$1" systemctl --quiet disable '"$units"' 2>/dev/null || true' ;;
    factors | factors11 | factors13)
      suite=bookworm add="$add,libpam-google-authenticator,libqrencode4"
      case $1 in *11) suite=bullseye ;; *13) suite=trixie ;; esac ;;
    metrics) suite=bookworm add="$add,prometheus,prometheus-alertmanager,prometheus-blackbox-exporter,curl"
      after='; chroot "$1" systemctl --quiet disable prometheus prometheus-alertmanager prometheus-blackbox-exporter' ;;
    debian13) suite=trixie ;;
    noinit | twins-noinit) suite=bookworm add='' command=$by_hand ;;
    *) echo "image.sh: there is no image $1" >&2 && exit 2 ;;
  esac
  case $1 in twins*) add="$add,python3-apt" ;; esac
  include=$common$add
  parts="$strap $undocumented $suite $include $archived $command $customize$after$before"
  reference=$repository/$1:$(printf %s "$parts" | sha256sum | cut -c1-16)
}

build() {
  describe "$1"
  echo "image.sh: building $reference (about half a minute)" >&2
  # Of other recipes: nobody has wanted them for days.
  podman image prune --all --force --filter "label=sshdoctor.image=$1" --filter until=72h >/dev/null
  $strap --include="$include" --extract-hook="$undocumented" --essential-hook="${before:-true}" \
    --customize-hook="archived='$archived'; $customize$after" "$suite" "$scratch/$1.tar" >&2
  podman import --quiet --change "LABEL sshdoctor.image=$1" --change "CMD $command" \
    "$scratch/$1.tar" "$reference" >/dev/null
  rm "$scratch/$1.tar"
}

# Machines that limit root (no CAP_SYS_RESOURCE, hybrid cgroups) need other limits and runc.
configure() {
  if [ -n "${CONTAINERS_CONF:-}" ] || podman run --rm --network none "$1" true 2>"$scratch/first"; then
    return
  fi
  mkdir -p "${configuration%/*}"
  cat >"$configuration" <<END
[containers]
default_ulimits = ["nofile=16384:16384", "nproc=8192:8192"]
[engine]
runtime = "runc"
END
  if ! CONTAINERS_CONF=$configuration podman run --rm --network none "$1" true 2>"$scratch/second"; then
    rm "$configuration"
    cat "$scratch/first" "$scratch/second" >&2
    exit 1
  fi
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
jobs=
trap 'kill $jobs; exit 130' INT TERM
for name in "$@"; do
  describe "$name"
  echo "$reference"
  podman image exists "$reference" || { build "$name" & jobs="$jobs $!"; }
done
for job in $jobs; do
  wait "$job"
done
[ -e "$configuration" ] || configure "$reference"
if [ -n "${CONTAINERS_CONF:-}" ]; then
  echo "$CONTAINERS_CONF"
elif [ -e "$configuration" ]; then
  echo "$configuration"
fi
