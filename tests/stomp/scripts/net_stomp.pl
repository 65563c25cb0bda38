# Perl's Net::Stomp: sends with receipts and in transactions, receives, acknowledges. The port is the argument.
use strict;
use warnings;
use Net::Stomp;

my $stomp = Net::Stomp->new({ hostname => '127.0.0.1', port => $ARGV[0] });
my $connected = $stomp->connect({ login => 'guest', passcode => 'guest' });
die 'not connected' unless $connected->command eq 'CONNECTED';
my $queue = "/queue/perl-$$";
$stomp->send_with_receipt({ destination => $queue, body => 'first' }) or die 'no receipt';
$stomp->subscribe({ destination => $queue, ack => 'client' });
my $frame = $stomp->receive_frame({ timeout => 15 }) or die 'nothing received';
die $frame->body unless $frame->body eq 'first';
$stomp->ack({ frame => $frame });
$stomp->send_transactional({ destination => $queue, body => 'second' }) or die 'not committed';
$frame = $stomp->receive_frame({ timeout => 15 }) or die 'nothing received';
die $frame->body unless $frame->body eq 'second';
$stomp->ack({ frame => $frame });
$stomp->unsubscribe({ destination => $queue });
$stomp->disconnect;
