# On the host of the image rpm: sources for dnf, zypper and pacman, without a network. Two versions of one package.
set -e
mkdir -p /srv/first /srv/second /srv/pacman /srv/tree/salute-3-1 /etc/yum.repos.d /etc/zypp/repos.d \
  /var/lib/pacman /var/cache/pacman/pkg /etc/rpm
echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros # Debian's own is in root's home, where zypper does not look
for n in 1 2; do
  printf '%s\n' 'Name: greeting' "Version: $n" 'Release: 1' 'Summary: s' 'License: MIT' 'BuildArch: noarch' \
    %description d %install 'mkdir -p %{buildroot}/opt' "echo $n >%{buildroot}/opt/greeting" \
    %files /opt/greeting >/srv/greeting.spec
  folder=/srv/first
  [ $n = 1 ] || folder=/srv/second
  rpmbuild -bb --quiet --define "_rpmdir $folder" /srv/greeting.spec
  createrepo_c -q $folder
done
printf '[local]\nname=local\nbaseurl=file:///srv/first\ngpgcheck=0\nenabled=1\n' >/etc/yum.repos.d/local.repo
cp /etc/yum.repos.d/local.repo /etc/zypp/repos.d

cd /srv/tree
echo 3 >salute
printf '%s\n' 'pkgname = salute' 'pkgver = 3-1' 'pkgdesc = s' 'arch = any' 'size = 2' >.PKGINFO
tar -cf /srv/pacman/salute-3-1-any.pkg.tar .PKGINFO salute
printf '%%%s%%\n%s\n\n' FILENAME salute-3-1-any.pkg.tar NAME salute VERSION 3-1 ARCH any >salute-3-1/desc
tar -cf /srv/pacman/local-files.db salute-3-1
printf '[options]\nArchitecture = auto\nSigLevel = Never\n[local-files]\nServer = file:///srv/pacman\n' >/etc/pacman.conf
