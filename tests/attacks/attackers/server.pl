# server.pl PORT...: listens there, and says what an SSH server says; its name is that of the link it is run by.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;

my $all = IO::Select->new;
for my $port (@ARGV) {
  $all->add(IO::Socket::INET->new(LocalPort => $port, Listen => 9, ReuseAddr => 1) // die "$port: $!");
}
while (my @ready = $all->can_read) {
  for my $one (@ready) {
    my $peer = $one->accept or next;
    print $peer "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n";
  }
}
