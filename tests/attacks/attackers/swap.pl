# swap.pl PATH TARGET [WATCHED]: PATH is now what it was, now a link to TARGET, in turns without an end.
# With WATCHED, a file: it becomes the link, for a moment, as soon as that file was read while a remedy is applied.
use strict;
use warnings;
use Time::HiRes qw(sleep);

my ($path, $target, $watched) = @ARGV;
my ($renameat2, $init, $add) = `uname -m` =~ /aarch64/ ? (276, 26, 27) : (316, 294, 254);
my ($EXCHANGE, $AT_CWD, $IN_CLOSE_NOWRITE) = (2, -100, 0x10);
my $other = "$path.other";
unlink $other;
symlink $target, $other or die $!;
sub exchange { syscall($renameat2, $AT_CWD, $path, $AT_CWD, $other, $EXCHANGE) }

if (!$watched) {
  while (1) {
    exchange();
    sleep 0.0003;
  }
}
my $descriptor = syscall($init, 0);
syscall($add, $descriptor, $watched, $IN_CLOSE_NOWRITE) >= 0 or die "inotify: $!";
open my $events, '<&=', $descriptor or die $!;
while (sysread $events, my $event, 4096) {
  my @applied = glob '/tmp/sshdoctor.*' or next;
  exchange();
  sleep 0.2;
  exchange();
}
