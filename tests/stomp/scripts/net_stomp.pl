# Perl's Net::Stomp: sends with receipts and in transactions, receives, acknowledges. The port is the argument, and
# with TLS the file of the authority.
use strict;
use warnings;
use Net::Stomp;

my %tls = @ARGV > 1 ? (ssl => 1, ssl_options => { SSL_ca_file => $ARGV[1] }) : ();
my $stomp = Net::Stomp->new({ hostname => 'localhost', port => $ARGV[0], %tls });
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
